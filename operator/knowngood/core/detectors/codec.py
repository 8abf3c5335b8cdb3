"""Frozen dataclasses of numbers, texts and tuples as plain lists, and back; what does not fit is a ValueError.

Fields are written in their order and without their names: there are many.
"""

import dataclasses
import types
import typing
from typing import Any, TypeVar

_T = TypeVar("_T")
Plain = list[Any]
_KNOWN: dict[type, dict[str, Any]] = {}


def plain(value: Any) -> Plain:
    """The fields of a dataclass, in their order."""
    return [getattr(value, name) for name in _hints(type(value))]


def read(kind: type[_T], raw: object) -> _T:
    """The dataclass that ``plain`` made this of. Raises ValueError where it cannot have been."""
    hints = _hints(kind)
    if not isinstance(raw, list) or len(raw) != len(hints):
        raise ValueError(f"{len(hints)} fields of {kind.__name__} were expected")
    return kind(*(_read(hint, value) for hint, value in zip(hints.values(), raw, strict=True)))


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _KNOWN:
        hints = typing.get_type_hints(kind)
        _KNOWN[kind] = {field.name: hints[field.name] for field in dataclasses.fields(typing.cast(Any, kind))}
    return _KNOWN[kind]


def _read(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        if value is None and type(None) in typing.get_args(hint):
            return None
        return _first(typing.get_args(hint), value)
    if origin is tuple:
        return _tuple(typing.get_args(hint), value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return read(hint, value)
    if hint is float and type(value) in {int, float}:
        return float(value)
    if hint in {int, str, bool} and type(value) is hint:
        return value
    raise ValueError(f"{type(value).__name__} where {hint} was expected")


def _first(hints: tuple[Any, ...], value: Any) -> Any:
    for hint in hints:
        if hint is not type(None):
            try:
                return _read(hint, value)
            except ValueError:
                continue
    raise ValueError(f"{type(value).__name__} where one of {hints} was expected")


def _tuple(hints: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{type(value).__name__} where a list was expected")
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(_read(hints[0], each) for each in value)
    if len(hints) != len(value):
        raise ValueError(f"{len(value)} values where {len(hints)} were expected")
    return tuple(_read(hint, each) for hint, each in zip(hints, value, strict=True))
