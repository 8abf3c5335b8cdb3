"""Where settings come from: one YAML file, overridden by environment variables.

`KNOWNGOOD_LEADER_ELECTION__LEASE_DURATION=20s` sets `leaderElection.leaseDuration`: words are joined by `_`,
levels by `__`. Lists are separated by commas; whole sections may be written as JSON.
"""

import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.alias_generators import to_snake

PREFIX = "KNOWNGOOD_"
CONFIG_VARIABLE = "KNOWNGOOD_CONFIG"

# Kubernetes sets these for every Service whose name starts with knowngood; LAB_ ones are the lab's own, and
# PROMETHEUS is of `knowngood backtest`.
_NOT_OURS = re.compile(
    r"KNOWNGOOD_(CONFIG|PROMETHEUS|LAB_\w+|([A-Z0-9]+_)*(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?))"
)


class SourceError(ValueError):
    """A file or variable that cannot be read; its text says which one and what to write."""


@dataclass(frozen=True)
class Written:
    """What was written, camelCase and nested, and by which variable each place of it."""

    values: dict[str, Any] = field(default_factory=dict)
    variables: dict[tuple[str, ...], str] = field(default_factory=dict)

    def variable_of(self, place: tuple[str, ...]) -> str | None:
        """The variable that set `place` or what holds it; None when the file did."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.variables:
                return self.variables[place[:length]]
        return None


def read_file(path: Path) -> dict[str, Any]:
    """Read the settings file; raises SourceError when it is absent, no YAML, or no mapping."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise SourceError(f"{path}: {reason}; write the path of a readable file to {CONFIG_VARIABLE}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: is not text in UTF-8; write YAML") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SourceError(f"{path}: is not YAML{where}: {getattr(error, 'problem', error)}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SourceError(f"{path}: holds {type(found).__name__}, not a mapping; write names and values")
    return found


def read_environment(environ: Mapping[str, str], model: type[BaseModel]) -> Written:
    """Read the variables that set something of `model`; raises SourceError for one that sets nothing."""
    written = Written()
    for name in sorted(environ):
        if not name.startswith(PREFIX) or _NOT_OURS.fullmatch(name):
            continue
        place, kind = _place(name, model)
        _put(written.values, place, _value(name, environ[name], kind))
        written.variables[place] = name
    return written


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` on top: mappings are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = overlay(below, value)
        else:
            merged[key] = value
    return merged


def _place(name: str, model: type[BaseModel]) -> tuple[tuple[str, ...], Any]:
    place: tuple[str, ...] = ()
    kind: Any = model
    for word in name.removeprefix(PREFIX).split("__"):
        section = section_of(kind)
        if section is not None:
            fields = {to_snake(field_name).upper(): field_name for field_name in section.model_fields}
            if word not in fields:
                raise SourceError(f"{name}: is not a setting; {_known(place, section)}")
            found = section.model_fields[fields[word]]
            place, kind = (*place, str(found.alias)), found.annotation
        elif (item := item_of_mapping(kind)) is not None and word:
            key = word.lower() if place[-1] == "params" else word.lower().replace("_", "-")
            place, kind = (*place, key), item
        else:
            raise SourceError(f"{name}: {'.'.join(place)} holds a single value; leave out __{word}")
    return place, kind


def _known(place: tuple[str, ...], section: type[BaseModel]) -> str:
    start = PREFIX + "".join(to_snake(word).upper().replace("-", "_") + "__" for word in place)
    return "write one of " + ", ".join(start + name.upper() for name in section.model_fields)


def _members(kind: Any) -> list[Any]:
    if typing.get_origin(kind) is typing.Annotated:
        return _members(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return [found for member in typing.get_args(kind) for found in _members(member)]
    return [kind]


def section_of(kind: Any) -> type[BaseModel] | None:
    """The section that a field of this type holds, if it holds one."""
    return next((m for m in _members(kind) if isinstance(m, type) and issubclass(m, BaseModel)), None)


def item_of_mapping(kind: Any) -> Any:
    """The type of the values, where a field of this type maps names of one's choice; else None."""
    return next((typing.get_args(m)[1] for m in _members(kind) if typing.get_origin(m) is dict), None)


def _value(name: str, text: str, kind: Any) -> Any:
    is_list = any(typing.get_origin(member) is list for member in _members(kind))
    is_block = section_of(kind) is not None or item_of_mapping(kind) is not None
    if is_list and not text.lstrip().startswith("["):
        return [word.strip() for word in text.split(",") if word.strip()]
    if not is_list and not is_block:
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SourceError(f"{name}: is not JSON; write for example {'[]' if is_list else '{}'}") from error


def _put(values: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    for word in place[:-1]:
        below = values.setdefault(word, {})
        if not isinstance(below, dict):
            below = values[word] = {}
        values = below
    values[place[-1]] = value
