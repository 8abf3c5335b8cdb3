"""One sample of several: where pods stand for releases, what a release's pods say is one thing.

Where none of them can be judged, the first says why.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Cell, Sample, Samples, States
from knowngood.core.signals.series import Groups, Key, key_of

Places = NDArray[np.intp]


def pooled(samples: Sequence[Sample], labels: Mapping[str, str]) -> Sample:
    """Of ratios, weighed by their counts."""
    good = [s for s in _judgeable(samples) if s.count]
    if not good:
        return _none(samples, labels)
    count = _total(s.count for s in good)
    value = _total((s.value or 0.0) * (s.count or 0.0) for s in good) / count
    hits = _total(s.hits for s in good)
    return Sample(labels, DataState.OK, value, count, _newest(samples), _remark(good), hits)


def summed(samples: Sequence[Sample], labels: Mapping[str, str]) -> Sample:
    """Of numbers of events; the exposure is known where any pod's is."""
    good = _judgeable(samples)
    if not good:
        return _none(samples, labels)
    hits, known = _total(s.hits for s in good), [s.count for s in good if s.count is not None]
    count = math.fsum(known) if known else None
    return Sample(labels, DataState.OK, hits, count, _newest(samples), _remark(good), hits)


def merged(samples: Sequence[Sample], labels: Mapping[str, str]) -> Sample:
    """Of histograms, by the edges that all of them have."""
    good = [s for s in _judgeable(samples) if s.buckets is not None and s.count]
    if not good:
        return _none(samples, labels)
    count = _total(s.count for s in good)
    value = _total((s.value or 0.0) * (s.count or 0.0) for s in good) / count
    buckets = _common([s.buckets for s in good if s.buckets is not None])
    return Sample(labels, DataState.OK, value=value, count=count, newest=_newest(samples), buckets=buckets)


def regrouped(samples: Sequence[Sample], labels: Mapping[str, str]) -> Sample:
    """Of outcomes, group by group."""
    sums: dict[Key, tuple[Cell, int, int]] = {}
    good_ones = _judgeable(samples)
    for cell in (cell for s in good_ones for cell in s.cells):
        _, favourable, total = sums.get(key_of(cell.labels), (cell, 0, 0))
        sums[key_of(cell.labels)] = (cell, favourable + cell.favourable, total + cell.total)
    cells = tuple(Cell(cell.labels, good, total) for _, (cell, good, total) in sorted(sums.items(), key=lambda x: x[0]))
    hits, count = float(sum(c.favourable for c in cells)), float(sum(c.total for c in cells))
    if not count:
        return _none(samples, labels)
    newest, remark = _newest(samples), _remark(good_ones)
    return Sample(labels, DataState.OK, hits / count, count, newest, remark, hits, cells=cells)


def in_columns(pool: object, samples: Samples, rows: Places, starts: Places) -> Samples | None:
    """What ``pool`` makes of several samples, for many at once: each of the ``rows`` from one start to the next.

    None where it makes more than numbers. What comes of it has no labels.
    """
    if pool not in (pooled, summed):
        return None
    if not len(starts):
        return Samples.of(())
    value, count, fit = samples.values[rows], samples.counts[rows], samples.states.ok[rows]
    counted = fit & (count > 0) if pool is pooled else fit & ~np.isnan(count)
    total = np.add.reduceat(np.where(counted, count, 0.0), starts)
    any_counted = np.logical_or.reduceat(counted, starts)
    if pool is pooled:
        any_fit, sums = any_counted, np.add.reduceat(np.where(counted, value * count, 0.0), starts)
        found = np.divide(sums, total, out=np.full(len(starts), np.nan), where=any_fit)
    else:
        any_fit = np.logical_or.reduceat(fit, starts)
        found = np.where(any_fit, np.add.reduceat(np.where(fit, samples.hits[rows], 0.0), starts), np.nan)
    states = States(np.zeros(len(starts), np.int16))
    states.codes[~any_fit] = states.code(DataState.EMPTY, "no pod's sample can be judged")
    newest = np.fmax.reduceat(samples.newest[rows], starts)
    hits = np.where(any_fit, np.add.reduceat(np.where(counted, samples.hits[rows], 0.0), starts), np.nan)
    return Samples(Groups(), states, found, np.where(any_counted, total, np.nan), newest, hits)


def _judgeable(samples: Sequence[Sample]) -> list[Sample]:
    return [s for s in samples if s.state is DataState.OK and s.value is not None]


def _remark(samples: Sequence[Sample]) -> str:
    """What is said of each of them; of a release in which some pods are otherwise, nothing."""
    return samples[0].message if all(s.message for s in samples) else ""


def _none(samples: Sequence[Sample], labels: Mapping[str, str]) -> Sample:
    return replace(samples[0], labels=labels, newest=_newest(samples))


def _newest(samples: Sequence[Sample]) -> float | None:
    return max((s.newest for s in samples if s.newest is not None), default=None)


def _total(numbers: Iterable[float | None]) -> float:
    return math.fsum(n or 0.0 for n in numbers)


def _common(found: Sequence[Buckets]) -> Buckets:
    edges = sorted(set(found[0].edges).intersection(*(b.edges for b in found[1:])))
    sums = dict.fromkeys(edges, 0)
    for buckets in found:
        fallen, place = 0, 0
        for edge in edges:
            while place < len(buckets.edges) and buckets.edges[place] <= edge:
                fallen += buckets.counts[place]
                place += 1
            sums[edge] += fallen
    cumulative = list(sums.values())
    return Buckets(tuple(edges), tuple(b - a for a, b in zip([0, *cumulative], cumulative, strict=False)))
