"""Mistakes in settings, told so that whoever made them knows what to write instead."""

import re
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from knowngood.shell.settings_source import Written

# pydantic's error types; the braces are filled from its context.
_ADVICE: Final = {
    "value_error": "{error}",
    "missing": "is required; write a value",
    "extra_forbidden": "is not a setting; look for its right spelling, or leave it out",
    "literal_error": "is not one of the choices; write {expected}",
    "bool_parsing": "is neither true nor false; write true or false",
    "bool_type": "is neither true nor false; write true or false",
    "int_parsing": "is not a whole number; write one",
    "int_type": "is not a whole number; write one",
    "int_from_float": "is not a whole number; write one",
    "greater_than_equal": "is too small; write {ge} or more",
    "less_than_equal": "is too large; write {le} or less",
    "list_type": "is not a list; write [first, second]",
    "dict_type": "is not a mapping; write names and values below it",
    "model_type": "is not a mapping; write names and values below it",
    "string_type": "is not text; write it in quotes",
    "string_too_short": "is empty; write a value or leave it out",
    "string_too_long": "is too long; write at most {max_length} characters",
    "too_long": "has too many items; write at most {max_length}",
}
# Their values may be secrets, whatever the documentation asks for.
_PRIVATE: Final = frozenset({"headers", "params"})


def explain(error: ValidationError, where: str, written: Written) -> str:
    """One line for each mistake: variable or file, setting, value where it may be shown, what to write."""
    lines = [_line(detail, where, written) for detail in error.errors(include_url=False)]
    return "\n".join(dict.fromkeys(lines))


def _line(detail: ErrorDetails, where: str, written: Written) -> str:
    place = tuple(str(word) for word in detail["loc"] if word != "[key]")
    origin = written.variable_of(place) or where
    return f"{origin}: {'.'.join(place) or 'settings'}: {_shown(detail, place)}{_advice(detail)}"


def _shown(detail: ErrorDetails, place: tuple[str, ...]) -> str:
    value = detail["input"]
    if detail["type"] in ("missing", "extra_forbidden") or not _PRIVATE.isdisjoint(place):
        return ""
    if isinstance(value, dict | list | BaseModel):
        return ""
    text = re.sub(r"//[^/@]*@", "//***@", str(value).lower() if isinstance(value, bool) else repr(value))
    return (text if len(text) <= 80 else text[:77] + "...") + " "


def _advice(detail: ErrorDetails) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    advice = _ADVICE.get(detail["type"])
    return advice.format_map(context) if advice else detail["msg"]
