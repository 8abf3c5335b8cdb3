"""One judged quantity of one series: its value, how many observations stand behind it, and its data state."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from knowngood.core.signals.answer import DataState, Row

_MOST = 2.0**53  # from which on floats pass over whole numbers
PART = "knowngood_part"  # tells the parts of one combined request apart; never a label of anybody's series


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram of the observations of one window: how many fell up to each edge and above the one before.

    ``edges`` rise, the last is +Inf; ``counts`` are whole numbers, one an edge, and not cumulative.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The outcomes of one group within a window."""

    labels: Mapping[str, str]
    favourable: int
    total: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A value at an evaluation time. ``value`` is None unless ``state`` is OK; ``count`` is None where unknown.

    ``hits`` are the events behind the value (good ones, rare ones, favourable ones). ``buckets`` come of a histogram,
    ``cells`` of outcomes: then one sample holds all groups of a release.
    """

    labels: Mapping[str, str]
    state: DataState
    value: float | None = None
    count: float | None = None
    newest: float | None = None
    message: str = ""
    hits: float | None = None
    buckets: Buckets | None = None
    cells: tuple[Cell, ...] = ()


Key = tuple[tuple[str, str], ...]


def key_of(labels: Mapping[str, str]) -> Key:
    """The labels of a row without the part marker and the metric name, in a fixed order."""
    pairs = [pair for pair in labels.items() if pair[0] != PART and pair[0] != "__name__"]
    pairs.sort()
    return tuple(pairs)


def split_parts(rows: Iterable[Row]) -> dict[str, dict[Key, Row]]:
    """Rows of a combined request by part and labels."""
    parts: dict[str, dict[Key, Row]] = {}
    for row in rows:
        parts.setdefault(row.labels.get(PART, ""), {})[key_of(row.labels)] = row
    return parts


def part(name: str, expression: str) -> str:
    """``expression`` marked as one part of a combined request."""
    return f'label_replace({expression}, "{PART}", "{name}", "", "")'


def value_state(value: float) -> tuple[DataState, str]:
    """The data state that a value alone implies."""
    if math.isnan(value):
        return DataState.NAN, "the value is NaN"
    if math.isinf(value):
        return DataState.INF, f"the value is {'+' if value > 0 else '-'}Inf"
    return DataState.OK, ""


def stale(newest: float | None, now: float, limit: float) -> str:
    """Why the newest sample behind a value is too old, or an empty string. All in seconds."""
    if newest is None or now - newest <= limit:
        return ""
    return f"the newest sample is older than {limit:g}s"


def plain(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of somebody's series: without the marks of a request's parts, and without the metric's name."""
    return {k: v for k, v in labels.items() if not k.startswith("knowngood_") and k != "__name__"}


def unfit(
    labels: Mapping[str, str], values: Iterable[float], newest: float | None, now: float, limit: float
) -> Sample | None:
    """The sample that says why there is nothing to judge: a count that is no number, or data that are too old."""
    for value in values:
        state, why = value_state(value)
        if state is DataState.OK and abs(value) >= _MOST:
            state, why = DataState.INF, "the value is more than can be counted"
        if state is not DataState.OK:
            return Sample(labels, state, newest=newest, message=why)
    old = stale(newest, now, limit)
    return Sample(labels, DataState.STALE, newest=newest, message=old) if old else None
