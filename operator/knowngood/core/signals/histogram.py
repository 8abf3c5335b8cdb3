"""The `histogram` input: the distribution of what was observed in a window, in whole observations.

Classic histograms are counters by their upper edge (``le``), native ones come as one value; one request asks for
both. The edges of native ones are those of a fixed grid, so that windows can be compared: an answer names only the
buckets that are not empty.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from knowngood.api.signals import HistogramInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.buckets import Cumulative, mean, means, native, number, risen, whole, whole_counts
from knowngood.core.signals.counter import counted
from knowngood.core.signals.fitness import Fitness
from knowngood.core.signals.pooling import merged
from knowngood.core.signals.request import Ask, FieldError, Request, joined
from knowngood.core.signals.rows import Places, Rows, summed
from knowngood.core.signals.sample import Buckets, Flags, Floats, Samples
from knowngood.core.signals.series import Group, Groups, part

EDGE = "le"
_BUCKET = "_bucket"
_EDGELESS = 'the histogram has no bucket le="+Inf", which holds all observations'


def request(source: HistogramInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `bucket`, `sum`, `native` and `time`."""
    if source.metric.endswith(_BUCKET):
        name = source.metric.removesuffix(_BUCKET)
        raise FieldError("metric", f"{source.metric} names the buckets, and {_BUCKET} is added here; write {name}")
    bucket, count, total, full = (
        ask.selector("metric", source.metric + suffix) for suffix in (_BUCKET, "_count", "_sum", "")
    )
    window = ask.window(source.window)
    counters = {"bucket": bucket, "sum": total, "native": full}
    found = counted("metric", counters, count, window, [*ask.by, EDGE], ask)
    newest = f"timestamp({ask.some(count)}) or timestamp({ask.some(full)})"
    time = part("time", f"max by ({', '.join(ask.by)}) ({newest})")
    length = window.length / 1000
    read = (count, total, full, bucket)
    query, mostly = joined("metric", (found.all, time)), joined("metric", (*found.mostly, time))
    return Request(query, read, (count, full), length, length, decode, merged, mostly=mostly)


def decode(rows: Iterable[Row], now: float, stale_after: float) -> Samples:
    """Samples of the mean observation, one a group, with their buckets; ``count`` is how many were observed."""
    columns = Rows.of(rows)
    plan = columns.arrangement.once("histograms", lambda: _plan(columns))
    newest, fitness = columns.newest(plan.groups), Fitness(len(plan.groups))
    tables = [_Table(alike, columns) for alike in plan.classic]
    natives = [columns.histograms[row] for row in plan.natives]
    for table in tables:
        table.say(fitness)
    for index, found in enumerate(natives):
        counts = np.array([found.count, *(count for _, _, count in found.buckets)])
        fitness.counts(counts, np.full(len(counts), index))
    fitness.fresh(newest, now, stale_after)
    fitness.say(plan.edgeless, DataState.EMPTY, _EDGELESS)
    made = _Made(fitness, columns.column("sum", plan.groups, np.nan))
    for table in tables:
        made.take(table)
    for index in np.flatnonzero(fitness.ok[: len(natives)]).tolist():
        made.take_one(index, native(natives[index]), natives[index].sum)
    none = fitness.say(made.count == 0, DataState.TOO_FEW, "no observations in the window")
    fitness.say(np.isnan(made.value), DataState.EMPTY, "the histogram has neither a sum nor an edge")
    value = np.where(fitness.ok, made.value, np.nan)
    count = np.where(fitness.ok | none, made.count, np.nan)
    buckets = [one if fit else None for one, fit in zip(made.buckets, fitness.ok, strict=True)]
    return Samples(plan.groups, fitness, value, count, newest, buckets=buckets)


@dataclass(frozen=True, slots=True, eq=False)
class _Alike:
    """Classic histograms with the same edges: their ``numbers`` among all, their buckets' rows, and where those count.

    ``cells`` are places in a table of (histogram, edge).
    """

    edges: Floats
    numbers: Places
    rows: Places
    cells: Places


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What there is to read: first native histograms, by their rows, then classic ones."""

    groups: Groups
    natives: tuple[int, ...]
    classic: tuple[_Alike, ...]
    edgeless: Flags


def _plan(columns: Rows) -> _Plan:
    arranged = columns.arrangement
    natives = {group: row for group, row in arranged.part("native").place.items() if row in columns.histograms}
    found: dict[Group, dict[float, list[int]]] = {}
    for bucket, row in arranged.part("bucket").place.items():
        edges = found.setdefault(arranged.group({k: v for k, v in bucket.labels.items() if k != EDGE}), {})
        edge = number(bucket.labels.get(EDGE, ""))
        if edge is not None:
            edges.setdefault(edge, []).append(row)
    groups = Groups([*natives, *(group for group in found if group not in natives)])
    alike: dict[tuple[float, ...], list[int]] = {}
    for index in range(len(natives), len(groups)):
        edges = found[groups[index]]
        alike.setdefault(tuple(sorted(edges)) if math.inf in edges else (), []).append(index)
    edgeless = np.zeros(len(groups), np.bool_)
    edgeless[alike.pop((), [])] = True
    classic = tuple(_alike(edges, numbers, [found[groups[n]] for n in numbers]) for edges, numbers in alike.items())
    return _Plan(groups, tuple(natives.values()), classic, edgeless)


def _alike(edges: tuple[float, ...], numbers: Sequence[int], found: Sequence[Mapping[float, Sequence[int]]]) -> _Alike:
    cells = [(row, i * len(edges) + at) for i, of in enumerate(found) for at, e in enumerate(edges) for row in of[e]]
    rows, places = np.array(cells, np.intp).T
    return _Alike(np.array(edges), np.array(numbers, np.intp), rows, places)


class _Table:
    """What fell up to each edge of classic histograms with the same edges."""

    def __init__(self, alike: _Alike, columns: Rows) -> None:
        self.edges, self.numbers = alike.edges, alike.numbers
        shape = len(alike.numbers), len(alike.edges)
        counts = summed(alike.cells, columns.values[alike.rows], shape[0] * shape[1])
        self.cumulative, self.kept = risen(counts.reshape(shape))

    def say(self, fitness: Fitness) -> None:
        """Which of them hold what is no count."""
        counts = np.where(self.kept, self.cumulative, 0.0)
        fitness.counts(counts.ravel(), np.repeat(self.numbers, len(self.edges)))

    def one(self, index: int) -> Cumulative:
        """One of them, by the edges that it has."""
        return list(zip(self.edges[self.kept[index]].tolist(), self.cumulative[index, self.kept[index]], strict=True))


class _Made:
    """What is found of each histogram that can be judged; ``totals`` are NaN where they are not known."""

    def __init__(self, fitness: Fitness, totals: Floats) -> None:
        self._fit, self._totals = fitness.ok.copy(), totals
        self.value, self.count = np.full(len(totals), np.nan), np.full(len(totals), np.nan)
        self.buckets: list[Buckets | None] = [None] * len(totals)

    def take(self, table: _Table) -> None:
        """Take in classic histograms."""
        # with negative observations the sum is no counter: it falls, which an increase takes for a reset
        totals = self._totals[table.numbers] if table.edges[0] >= 0 else np.full(len(table.numbers), np.nan)
        like = self._fit[table.numbers] & table.kept.all(axis=1)
        numbers, cumulative = table.numbers[like], table.cumulative[like]
        counts, edges = whole_counts(cumulative), tuple(table.edges.tolist())
        self.value[numbers] = means(table.edges, counts, cumulative[:, -1], totals[like])
        self.count[numbers] = counts.sum(axis=1)
        for index, of_one in zip(numbers.tolist(), counts.tolist(), strict=True):
            self.buckets[index] = Buckets(edges, tuple(of_one))
        for place in np.flatnonzero(self._fit[table.numbers] & ~like).tolist():
            found = table.one(place)
            known = found[0][0] >= 0
            self.take_one(table.numbers[place], found, float(self._totals[table.numbers[place]]) if known else np.nan)

    def take_one(self, index: int, found: Cumulative, total: float) -> None:
        """Take in one histogram."""
        buckets = self.buckets[index] = whole(found)
        self.count[index] = sum(buckets.counts)
        value = mean(buckets, found[-1][1], total)
        self.value[index] = np.nan if value is None else value
