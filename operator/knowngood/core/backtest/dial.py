"""Variants of a policy that differ in one field of a detector: what a sweep turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from knowngood.api import durations
from knowngood.api.base import InvalidObjectError
from knowngood.api.incidentpolicy import IncidentPolicy

DEFAULTS = {
    "falseAlarmEvery": ("1d", "3d", "7d", "14d", "30d", "90d"),
    "for": ("0s", "15s", "30s", "1m", "2m", "5m"),
}
"""The values of fields that mean the same in every policy."""


class DialError(ValueError):
    """A sweep that cannot be made; the text says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Variant:
    """The policy with ``value`` in the field; ``written`` where that is what its author wrote."""

    value: str
    policy: IncidentPolicy
    written: bool


@dataclass(frozen=True, slots=True)
class Dial:
    """A ``field`` of the detectors of these ``signals``, and the policy with each of its values, in their order."""

    field: str
    signals: tuple[str, ...]
    variants: tuple[Variant, ...]


def dial(policy: IncidentPolicy, text: str) -> Dial:
    """What ``[SIGNAL.]FIELD[=VALUE,VALUE…]`` asks for. Raises DialError."""
    path, equals, listed = text.partition("=")
    signal, dot, field = path.rpartition(".")
    if not field or (dot and not signal):
        raise DialError(f"{text!r}: write FIELD=VALUE,VALUE or SIGNAL.FIELD=VALUE,VALUE")
    turned = _turned(policy, signal, field)
    values = tuple(v.strip() for v in listed.split(",") if v.strip()) if equals else DEFAULTS.get(field, ())
    if not values:
        raise DialError(f"{text!r}: write the values, for example {path}={_example(turned)}")
    made = [Variant(v, _with(policy, turned, field, v), _same(v, turned)) for v in dict.fromkeys(values)]
    if len({value for _, value in turned}) == 1 and not any(v.written for v in made):
        made.append(Variant(turned[0][1], policy, True))
    return Dial(field, tuple(name for name, _ in turned), tuple(sorted(made, key=lambda v: order(v.value))))


def _turned(policy: IncidentPolicy, signal: str, field: str) -> list[tuple[str, str]]:
    """The signals whose detector has the field, with the value that it has now; empty where it has none."""
    found: list[tuple[str, str]] = []
    fields: dict[str, list[str]] = {}
    for one in policy.spec.signals:
        if one.detector is None or (signal and one.name != signal):
            continue
        settings = one.detector.chosen()[1]
        names = {info.alias or name: name for name, info in type(settings).model_fields.items()}
        fields[one.name] = sorted(names)
        if field in names:
            value = getattr(settings, names[field])
            found.append((one.name, "" if value is None else _text(value)))
    if found:
        return found
    have = "; ".join(f"{name}: {', '.join(known) or 'nothing'}" for name, known in fields.items())
    raise DialError(f"no detector of {signal or 'any signal'} has a field {field}; there are {have or 'no signals'}")


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _same(value: str, turned: Sequence[tuple[str, str]]) -> bool:
    return all(current and order(current) == order(value) for _, current in turned)


def _with(policy: IncidentPolicy, turned: Sequence[tuple[str, str]], field: str, value: str) -> IncidentPolicy:
    names = {name for name, _ in turned}
    spec = policy.spec.to_object()
    for raw in spec["signals"]:
        if raw["name"] in names:
            (settings,) = raw["detector"].values()
            settings[field] = _typed(value)
    try:
        made = IncidentPolicy.from_object({"metadata": policy.metadata.to_object(), "spec": spec})
    except InvalidObjectError as error:
        raise DialError(f"{field}={value}: {error}") from None
    return made


def _typed(value: str) -> Any:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _example(turned: Sequence[tuple[str, str]]) -> str:
    return ",".join(dict.fromkeys([turned[0][1] or "1", "…"]))


def order(value: str) -> tuple[int, float, str]:
    """Numbers by their size, durations by their length, words by their letters."""
    for read in (float, durations.seconds):
        try:
            return 0, read(value), ""
        except ValueError:
            continue
    return 1, 0.0, value
