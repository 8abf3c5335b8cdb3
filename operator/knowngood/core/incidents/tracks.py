"""A signal's raw samples as one quantity over time: increments of counters and their shares, or means of gauges."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from knowngood.api.evidence import Labels, Series

Floats = NDArray[np.float64]
_COUNTERS = ("_total", "_count", "_sum", "_bucket")
_MOST_BINS = 480
_LARGEST = 1e150  # whose square is still a number
_BORN = 1.5  # steps after the others' first sample: a series that begins later was born


@dataclass(frozen=True, slots=True)
class Track:
    """A quantity in bins of time: ``values`` on ``weights`` observations each, bins from ``starts`` to ``ends``.

    ``share``: the values are shares of the weights, so that chance alone gives them a binomial's variance.
    """

    starts: Floats
    ends: Floats
    values: Floats
    weights: Floats
    share: bool = False


@dataclass(frozen=True, slots=True)
class _Raw:
    times: Floats
    values: Floats
    labels: Labels
    counter: bool


def tracks(series: Sequence[Series]) -> list[Track]:
    """The quantities that a signal's series may be dated by, the best first; none where there are too few samples."""
    parts: dict[str, list[_Raw]] = {}
    for one in series:
        raw = _read(one)
        if raw is not None:
            parts.setdefault(one.part or one.query, []).append(raw)
    edges = _edges([raw for group in parts.values() for raw in group])
    if edges is None:
        return []
    if "total" in parts:
        return _kept([_share(parts.get("good", []), parts["total"], edges)])
    groups = list(parts.values())
    if len(groups) == 2 and all(r.counter for g in groups for r in g):
        return _kept([_share(groups[0], groups[1], edges, bounded=False)])
    found: list[Track] = []
    for group in groups:
        found += _histogram(group, edges) or [
            _rate(group, edges) if all(r.counter for r in group) else _mean(group, edges)
        ]
    return _kept(found)


def _kept(found: list[Track]) -> list[Track]:
    return [t for t in found if len(t.values) >= 2]


def _read(series: Series) -> _Raw | None:
    times = np.array([p.t.timestamp() for p in series.points])
    values = np.array([_number(p.v) for p in series.points])
    order = np.lexsort((values, times))
    order = order[np.abs(values[order]) < _LARGEST]
    if not len(order):
        return None
    times, values = times[order], values[order]
    name = series.labels.get("__name__") or series.query.partition("{")[0]
    return _Raw(times, values, series.labels, name.endswith(_COUNTERS) or _counts(values))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _counts(values: Floats) -> bool:
    """Whether they look like a counter whose name does not say so: whole numbers that only grow."""
    steps = np.diff(values)
    return len(values) > 2 and bool((steps >= 0).all() and steps.any() and (values == np.round(values)).all())


def _edges(raws: Sequence[_Raw]) -> Floats | None:
    """Edges of bins, one usual gap between samples apart, from where the longest series begin."""
    gaps = [b - a for raw in raws for a, b in pairwise(raw.times) if b > a]
    if not gaps:
        return None
    longest = max(len(raw.times) for raw in raws)
    first = max(float(raw.times[0]) for raw in raws if len(raw.times) == longest)
    last = max(float(raw.times[-1]) for raw in raws)
    width = max(float(np.median(gaps)), (last - first) / _MOST_BINS, 1e-3)
    edges: Floats = first + width * np.arange(int(np.ceil((last - first) / width - 1e-6)) + 1, dtype=np.float64)
    return edges


def _increments(group: Sequence[_Raw], edges: Floats) -> Floats:
    """Events of all counters by bin: resets followed, births counted, each gap's events at its end."""
    bins = np.zeros(len(edges) - 1)
    width = edges[1] - edges[0] if len(edges) > 1 else 1.0
    longest = max((len(raw.times) for raw in group), default=0)
    for raw in group:
        steps = np.diff(raw.values, prepend=raw.values[:1])
        steps = np.where(steps < 0, raw.values, steps)
        step = max(width, float(np.median(np.diff(raw.times)))) if len(raw.times) > 1 else width
        if len(raw.times) < longest and raw.times[0] > edges[0] + _BORN * step:
            steps[0] = raw.values[0]
        index = _index(raw.times, edges)
        inside = (index >= 0) & (index < len(bins))
        np.add.at(bins, index[inside], steps[inside])
    return bins


def _index(times: Floats, edges: Floats) -> NDArray[np.intp]:
    """The bin that each time is in; a time on an edge is in the bin that ends there."""
    width = edges[1] - edges[0] if len(edges) > 1 else 1.0
    places: NDArray[np.intp] = np.ceil((times - edges[0]) / width - 1e-6).astype(np.intp) - 1
    return places


def _track(values: Floats, weights: Floats, edges: Floats, share: bool = False) -> Track:
    kept = weights > 0
    return Track(edges[:-1][kept], edges[1:][kept], values[kept], weights[kept], share)


def _share(good: Sequence[_Raw], total: Sequence[_Raw], edges: Floats, bounded: bool = True) -> Track:
    hits, all_ = _increments(good, edges), _increments(total, edges)
    values = np.divide(hits, all_, out=np.zeros_like(hits), where=all_ > 0)
    return _track(np.clip(values, 0.0, 1.0) if bounded else values, all_, edges, share=bounded)


def _rate(group: Sequence[_Raw], edges: Floats) -> Track:
    counted = _increments(group, edges)
    return _track(counted, np.ones_like(counted), edges)


def _mean(group: Sequence[_Raw], edges: Floats) -> Track:
    sums, counts = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    for raw in group:
        index = _index(raw.times, edges)
        inside = (index >= 0) & (index < len(sums))
        np.add.at(sums, index[inside], raw.values[inside])
        np.add.at(counts, index[inside], 1.0)
    return _track(np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0), counts, edges)


def _histogram(group: Sequence[_Raw], edges: Floats) -> list[Track]:
    """Of a histogram's buckets, the share of observations up to each edge."""
    by_edge: dict[str, list[_Raw]] = {}
    for raw in group:
        if "le" in raw.labels:
            by_edge.setdefault(raw.labels["le"], []).append(raw)
    if "+Inf" not in by_edge:
        return []
    total = by_edge.pop("+Inf")
    return [_share(found, total, edges) for _, found in sorted(by_edge.items())]
