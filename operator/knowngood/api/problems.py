"""What does not fit a model, in words for whoever wrote it: the field, the value, and what to write instead."""

import difflib
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Loc = tuple[int | str, ...]


def problem(model: type[BaseModel], error: Mapping[str, Any]) -> str:
    """``error`` as pydantic tells it of data for ``model``, as a sentence ``field: value: what is wrong``."""
    loc, value = error["loc"], error["input"]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).lstrip(".")
    shown = "" if isinstance(value, (dict, list)) else f" {value!r}:"
    return f"{path}:{shown} {_said(model, error['type'], loc, value) or error['msg'].removeprefix('Value error, ')}"


def _said(model: type[BaseModel], kind: str, loc: Loc, value: object) -> str:
    if value is None and kind != "missing":
        return "is empty; write a value, or leave the field out"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match kind:
        case "extra_forbidden":
            return _unknown(model, loc)
        case "missing":
            return "is missing"
        case "string_type":
            unit = f", or with its unit, such as {value}s for a duration" if number else ""
            return f"is no text; write it in quotes{unit}"
        case "float_type" | "float_parsing":
            return "is no number; write one, such as 0.6 for 60 %"
        case "int_type" | "int_parsing":
            return "is no whole number; write one, such as 100"
        case "list_type" if isinstance(value, (str, int, float)):
            return f"is no list; write [{value}]"
    return ""


def _unknown(model: type[BaseModel], loc: Loc) -> str:
    there = _model_at(model, loc[:-1])
    names = [f.alias or name for name, f in there.model_fields.items()] if there else []
    near = difflib.get_close_matches(str(loc[-1]), names, n=1)
    known = f"; write one of {', '.join(names)}" if names else ""
    return f"there is no such field; did you mean {near[0]}?" if near else f"there is no such field{known}"


def _model_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """The model of the part that ``loc`` leads to."""
    found: type[BaseModel] | None = model
    for step in loc:
        if found is None or isinstance(step, int):
            continue
        field = next((f for name, f in found.model_fields.items() if step in (f.alias, name)), None)
        found = _in(field.annotation) if field else None
    return found


def _in(annotation: Any) -> type[BaseModel] | None:
    """The one model that an annotation holds, in a list, an option or alone."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for part in typing.get_args(annotation) if (m := _in(part)) is not None), None)
