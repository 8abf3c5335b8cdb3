"""Histograms as Prometheus gives them, to buckets of whole observations.

Prometheus' numbers may be broken: it extrapolates where an end of the window is not covered, each series on its own.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from knowngood.core.signals.answer import NativeHistogram
from knowngood.core.signals.sample import Buckets

Cumulative = Sequence[tuple[float, float]]
"""Edges in rising order, the last +Inf, each with how many observations fell up to it."""

_FINEST = 2  # at most 4 buckets a doubling
_SMALLEST, _LARGEST = -10, 20  # powers of two between which edges stand
_COARSEST, _FINEST_KNOWN = -4, 8  # schemas of exponential histograms
_NOISE = 0.01


def classic(cells: Iterable[tuple[str, float]]) -> Cumulative:
    """Of (``le``, count) pairs; nothing where there is no edge +Inf.

    An edge at which fewer fell than at a smaller one is not every series' edge: it is left out, save for the noise of
    extrapolation. ``1`` and ``1.0`` are one edge.
    """
    sums: dict[float, float] = {}
    for text, count in cells:
        edge = _number(text)
        if edge is not None:
            sums[edge] = sums.get(edge, 0.0) + count
    if math.inf not in sums:
        return ()
    found: list[tuple[float, float]] = []
    least = 0.0
    for edge in sorted(sums):
        count = sums[edge]
        if count < least * (1 - _NOISE) - 1 and edge < math.inf:
            continue
        least = max(least, count) if not math.isnan(count) else count
        found.append((edge, least))
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def native(found: NativeHistogram) -> Cumulative:
    """Of a native histogram: on the fixed grid of its kind, or on its own edges where those are custom ones."""
    used = [b for b in found.buckets if b[2] > 0]
    edges = _edges(used)
    counts = [0.0] * len(edges)
    for _, upper, count in used:
        counts[bisect_left(edges, upper if math.isinf(upper) else upper - abs(upper) * 1e-9)] += count
    total = 0.0
    made: list[tuple[float, float]] = []
    for edge, count in zip(edges, counts, strict=True):
        total += count
        made.append((edge, total))
    return made


def _edges(used: Sequence[tuple[float, float, float]]) -> Sequence[float]:
    schemas = {_schema(lower, upper) for lower, upper, _ in used if not lower < 0 < upper}
    if None in schemas:
        return (*sorted({edge for b in used for edge in b[:2] if math.isfinite(edge)}), math.inf)
    factor = 2.0 ** min([s for s in schemas if s is not None] + [_FINEST])
    powers = [2.0 ** (n / factor) for n in range(math.ceil(_SMALLEST * factor), math.floor(_LARGEST * factor) + 1)]
    below = [-p for p in reversed(powers)] if any(upper < 0 for _, upper, _ in used) else []
    return (*below, *powers, math.inf)


def _schema(lower: float, upper: float) -> int | None:
    """The resolution of an exponential bucket; None where it is none."""
    low, high = sorted((abs(lower), abs(upper)))
    if not 0 < low < high < math.inf:
        return None
    steps = math.log2(high) - math.log2(low)
    if steps <= 0:
        return None
    schema, place = -math.log2(steps), math.log2(low) / steps
    exact = abs(schema - round(schema)) < 1e-6 and abs(place - round(place)) < 1e-4
    return round(schema) if exact and _COARSEST <= round(schema) <= _FINEST_KNOWN else None


def whole(found: Cumulative) -> Buckets:
    """Buckets of whole observations, which add up to all of them."""
    cumulative = [max(0, round(count)) for _, count in found]
    counts = (after - before for before, after in zip([0, *cumulative], cumulative, strict=False))
    return Buckets(tuple(edge for edge, _ in found), tuple(counts))


def mean(buckets: Buckets, count: float, total: float | None) -> float | None:
    """The mean observation, by their sum and kept within the edges; by the buckets' middles where there is no sum."""
    if total is None or not math.isfinite(total):
        return _middle(buckets)
    used = [i for i, n in enumerate(buckets.counts) if n]
    lower = buckets.edges[used[0] - 1] if used[0] else -math.inf
    return min(max(total / count, lower), buckets.edges[used[-1]])


def _middle(buckets: Buckets) -> float | None:
    finite = [edge for edge in buckets.edges if math.isfinite(edge)]
    if not finite:
        return None
    total = 0.0
    for i, count in enumerate(buckets.counts):
        upper = min(buckets.edges[i], finite[-1])
        lower = buckets.edges[i - 1] if i else min(0.0, upper)
        total += count * (upper / 2 + lower / 2)
    return total / sum(buckets.counts)
