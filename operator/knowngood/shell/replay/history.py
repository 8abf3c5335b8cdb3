"""A source's past, asked as if each moment of it were now.

The poller asks for one moment after the other; here the same query is asked as a range over many of them, which
Prometheus evaluates at each step as it would have at that moment, and handed out moment by moment.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from knowngood.core.signals.answer import Answer, DataState, Row, Series
from knowngood.core.signals.rows import Arrangement, Rows
from knowngood.core.signals.series import Key, Names
from knowngood.shell.sources import MetricsSource

_MOST_STEPS = 10_000  # of one request; Prometheus allows 11,000 points a series
_FIRST_STEPS = 256  # until it is known how much a step holds
_MOST_POINTS = 400_000  # of one answer
_CLOSE = 1e-3  # seconds
_DIVIDED = frozenset(
    {DataState.TIMEOUT, DataState.GARBAGE, DataState.UNAVAILABLE, DataState.BAD_QUERY, DataState.PARTIAL}
)
_SAID = frozenset({DataState.BAD_QUERY, DataState.PARTIAL})  # of a single moment: the operator would have seen it too
_MOST_REFUSED = 20  # moments one after the other, from which on it is the query and not the data


class HistoryError(Exception):
    """The source does not tell what it was asked for; the text says why."""


class History:
    """A source of which ``clock`` (seconds since the epoch) is the present; it only ever goes forward.

    Moments are multiples of ``interval``; what is asked at a time of its own is asked for at multiples of the
    ``steps`` of its query. Raises HistoryError where the source fails.
    """

    def __init__(self, source: MetricsSource, interval: float, last: float, steps: dict[str, float]) -> None:
        self._source, self._interval, self._last, self._steps = source, interval, last, steps
        self._blocks: dict[tuple[str, float], _Block] = {}
        self.clock = 0.0
        self.requests = 0

    async def query(self, text: str, timeout: float | None = None, at: float | None = None) -> Answer:
        """The answer of the present, or of ``at``."""
        moment, step = (self.clock, self._interval) if at is None else (at, self._steps.get(text, self._interval))
        block = self._blocks.get((text, step))
        if block is None:
            block = self._blocks[(text, step)] = _Block(text, step)
        if not block.holds(moment):
            await self._fill(block, moment)
        return block.at(moment)

    async def query_range(
        self, text: str, start: float, end: float, step: float, timeout: float | None = None
    ) -> Answer:
        """The answers at each step, as a range: of windows that are shorter than a poll there are several."""
        rows: dict[Key, list[Row]] = {}
        for number in range(round((end - start) / step) + 1):
            answer = await self.query(text, at=start + number * step)
            if answer.state is not DataState.OK:
                return answer
            for row in answer.rows:
                rows.setdefault(tuple(sorted(row.labels.items())), []).append(row)
        return Answer(DataState.OK, series=tuple(_joined(found) for found in rows.values()))

    async def _fill(self, block: "_Block", first: float) -> None:
        """Read on from ``first``; where that is too much, or fails somewhere, by ever fewer moments."""
        while True:
            number = max(1, min(block.most, math.floor((self._last - first) / block.step + _CLOSE) + 1))
            last = first + (number - 1) * block.step
            self.requests += 1
            answer = await self._source.query_range(block.text, first, last, block.step)
            if answer.state is DataState.OK:
                block.take(answer, first, last, number)
                return
            if answer.state in _DIVIDED and number > 1:
                block.most = number // 2
            elif answer.state in _SAID and block.refused < _MOST_REFUSED:
                block.refuse(answer, first)
                return
            else:
                raise HistoryError(f"{answer.message or answer.state.value}; asked: {block.text[:400]}")


class _Block:
    """The answers to one query at the steps of a stretch of time."""

    def __init__(self, text: str, step: float) -> None:
        self.text, self.step, self.most, self.refused = text, step, _FIRST_STEPS, 0
        self._first, self._end = math.inf, -math.inf
        self._cursors: list[_Cursor] = []
        self._names = Names()
        self._arranged: tuple[Sequence[int], Arrangement] = ((), Arrangement((), self._names))
        self._said: Answer | None = None
        self._given: tuple[float, Answer] = (math.nan, Answer(DataState.OK))

    def holds(self, moment: float) -> bool:
        return self._first - _CLOSE <= moment <= self._end + _CLOSE

    def take(self, answer: Answer, first: float, end: float, number: int) -> None:
        self._first, self._end, self._said, self.refused = first, end, None, 0
        self._cursors, self._arranged = [_Cursor(series) for series in answer.series], ((), self._arranged[1])
        points = sum(len(s.points) + len(s.histograms) for s in answer.series)
        room = _MOST_STEPS if not points else int(_MOST_POINTS * number / points)
        self.most = max(1, min(_MOST_STEPS, room, 4 * number))
        self._given = (math.nan, answer)

    def refuse(self, answer: Answer, moment: float) -> None:
        self._first = self._end = moment
        self._said, self.refused, self._cursors = answer, self.refused + 1, []
        self._given = (math.nan, answer)
        self.most = 1

    def at(self, moment: float) -> Answer:
        if self._said is not None:
            return self._said
        if self._given[0] != moment:
            self._given = (moment, Answer(DataState.OK, rows=self._rows(moment)))
        return self._given[1]

    def _rows(self, moment: float) -> Rows:
        found = {i: row for i, cursor in enumerate(self._cursors) if (row := cursor.at(moment)) is not None}
        there, rows = list(found), list(found.values())
        if there != self._arranged[0]:
            self._arranged = there, Arrangement([self._names.of(row.labels) for row in rows], self._names)
        histograms = {i: row.histogram for i, row in enumerate(rows) if row.histogram is not None}
        if histograms:
            return Rows.of(rows)  # what is read of them rests on where they are
        values, times = np.array([row.value for row in rows]), np.array([row.at for row in rows])
        return Rows(self._arranged[1], values, times)


class _Cursor:
    """One series, read forward."""

    __slots__ = ("_next", "_rows")

    def __init__(self, series: Series) -> None:
        self._rows = _in_order(series)
        self._next = next(self._rows, None)

    def at(self, moment: float) -> Row | None:
        while self._next is not None and self._next.at < moment - _CLOSE:
            self._next = next(self._rows, None)
        return self._next if self._next is not None and self._next.at <= moment + _CLOSE else None


def _in_order(series: Series) -> Iterator[Row]:
    if not series.histograms:
        return series.rows()
    rows: Sequence[Row] = sorted(series.rows(), key=lambda row: row.at)
    return iter(rows)


def _joined(rows: Sequence[Row]) -> Series:
    points = tuple((row.at, row.value) for row in rows if row.histogram is None)
    histograms = tuple((row.at, row.histogram) for row in rows if row.histogram is not None)
    return Series(rows[0].labels, points, histograms)
