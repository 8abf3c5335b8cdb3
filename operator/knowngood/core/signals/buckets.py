"""Histograms as Prometheus gives them, to buckets of whole observations.

Prometheus' numbers may be broken: it extrapolates where an end of the window is not covered, each series on its own.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from knowngood.core.signals.answer import NativeHistogram
from knowngood.core.signals.sample import Buckets, Flags, Floats

Counts = NDArray[np.int64]
Cumulative = Sequence[tuple[float, float]]
"""Edges in rising order, the last +Inf, each with how many observations fell up to it."""

_FINEST = 2  # at most 4 buckets a doubling
_SMALLEST, _LARGEST = -10, 20  # powers of two between which edges stand
_COARSEST, _FINEST_KNOWN = -4, 8  # schemas of exponential histograms
_NOISE = 0.01


def classic(cells: Iterable[tuple[str, float]]) -> Cumulative:
    """Of (``le``, count) pairs; nothing where there is no edge +Inf. ``1`` and ``1.0`` are one edge."""
    sums: dict[float, float] = {}
    for text, count in cells:
        edge = number(text)
        if edge is not None:
            sums[edge] = sums.get(edge, 0.0) + count
    if math.inf not in sums:
        return ()
    edges = sorted(sums)
    (counts,), (kept,) = risen(np.array([[sums[edge] for edge in edges]]))
    return [(edge, float(count)) for edge, count, k in zip(edges, counts, kept, strict=True) if k]


def risen(counts: Floats) -> tuple[Floats, Flags]:
    """Cumulative counts of (histogram, edge) that never fall, and which edges are every series' edges.

    An edge at which fewer fell than at a smaller one is left out, save for the noise of extrapolation: it counts as
    many as the one before.
    """
    least, found, kept = np.zeros(len(counts)), np.empty_like(counts), np.ones(counts.shape, np.bool_)
    for at in range(counts.shape[1]):
        count = counts[:, at]
        kept[:, at] = ~(count < least * (1 - _NOISE) - 1) | (at == counts.shape[1] - 1)
        least = np.where(kept[:, at], np.where(np.isnan(count), count, np.maximum(least, count)), least)
        found[:, at] = least
    return found, kept


def number(text: str) -> float | None:
    """An edge as ``le`` spells it; None where it is none."""
    try:
        found = float(text)
    except ValueError:
        return None
    return None if math.isnan(found) else found


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
    (counts,) = whole_counts(np.array([[count for _, count in found]]))
    return Buckets(tuple(edge for edge, _ in found), tuple(counts.tolist()))


def whole_counts(cumulative: Floats) -> Counts:
    """Whole observations of each bucket, of cumulative ones by (histogram, edge)."""
    rounded = np.maximum(0.0, np.rint(cumulative)).astype(np.int64)
    return np.diff(rounded, axis=1, prepend=0)


def mean(buckets: Buckets, count: float, total: float | None) -> float | None:
    """``means`` of one histogram; None where it has none."""
    sums = np.array([math.nan if total is None else total])
    (found,) = means(np.array(buckets.edges), np.array([buckets.counts]), np.array([count]), sums)
    return None if math.isnan(found) else float(found)


def means(edges: Floats, counts: Counts, observed: Floats, totals: Floats) -> Floats:
    """The mean observation of each histogram: its total over what was ``observed``, kept within its edges.

    By the buckets' middles where there is no total. NaN where nothing tells.
    """
    rows, last = np.arange(len(counts)), counts.shape[1] - 1
    lowest, highest = (counts > 0).argmax(axis=1), last - (counts[:, ::-1] > 0).argmax(axis=1)
    lower = np.where(lowest > 0, edges[lowest - 1], -math.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.minimum(np.maximum(totals / observed, lower), edges[highest])
    found: Floats = np.where(np.isfinite(totals[rows]), within, _middles(edges, counts))
    return found


def _middles(edges: Floats, counts: Counts) -> Floats:
    finite = edges[np.isfinite(edges)]
    if not len(finite):
        return np.full(len(counts), math.nan)
    upper = np.minimum(edges, finite[-1])
    lower = np.concatenate([[min(0.0, upper[0])], edges[:-1]])
    with np.errstate(invalid="ignore"):
        found: Floats = (counts * (upper / 2 + lower / 2)).sum(axis=1) / counts.sum(axis=1)
    return found
