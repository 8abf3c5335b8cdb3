"""Which windows are due: each aligned window of a signal once, whatever happened meanwhile, in as few requests.

What was missed, by a restart or while the source did not answer, is asked for as one range.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from knowngood.core.signals.answer import Answer, DataState, Row
from knowngood.core.signals.compiled import CompiledSignal

MOST_WINDOWS = 500
_MOST_POINTS = 500_000  # of one answer, as far as that can be told before
_PARTS = 4
_TOO_MUCH = frozenset({DataState.TIMEOUT, DataState.GARBAGE, DataState.BAD_QUERY, DataState.UNAVAILABLE})
SignalKey = tuple[str, str, str]  # namespace, policy, signal


class Question(NamedTuple):
    """One request: now, or at each ``step`` from ``first`` to ``last`` (seconds since the epoch)."""

    source: str
    query: str
    first: float = 0.0
    last: float = 0.0
    step: float = 0.0

    @property
    def sliding(self) -> bool:
        """Whether it is about now."""
        return not self.step


@dataclass
class _Mark:
    """How far a signal has been judged, and how many windows are asked for at once."""

    judged_by: str
    end: float
    most: int = MOST_WINDOWS


class Windows:
    """How far each signal of whole windows has been judged."""

    def __init__(self) -> None:
        self._marks: dict[SignalKey, _Mark] = {}

    def due(self, signal: CompiledSignal, tick: float, models: int) -> Question | None:
        """The windows to ask for at ``tick``, the oldest first; None between windows."""
        length, newest = signal.window, newest_end(signal, tick)
        mark = self._mark(signal)
        if mark is None:
            return Question(signal.source, signal.query, newest, newest, length)
        first = max(mark.end + length, newest - (MOST_WINDOWS - 1) * length)
        if first > newest + length / 2:
            return None
        room = max(1, min(mark.most, _MOST_POINTS // (_PARTS * max(1, models))))
        last = min(newest, first + (room - 1) * length)
        return Question(signal.source, signal.query, first, last, length)

    def answered(self, signal: CompiledSignal, question: Question) -> None:
        """The windows of ``question`` have been judged."""
        mark = self._mark(signal)
        most = min(MOST_WINDOWS, 2 * mark.most) if mark else MOST_WINDOWS
        self._marks[_key(signal)] = _Mark(signal.judged_by, question.last, most)

    def failed(self, signal: CompiledSignal, question: Question, state: DataState) -> None:
        """There was no answer: they stay due, and fewer are asked for at once where it may have been too much."""
        mark = self._mark(signal)
        if mark is not None and question.last > question.first and state in _TOO_MUCH:
            mark.most = max(1, mark.most // 2)

    def end(self, signal: CompiledSignal) -> float | None:
        """The end of the last window judged."""
        mark = self._mark(signal)
        return mark.end if mark else None

    def restore(self, signal: CompiledSignal, end: float) -> None:
        """Go on after the window that ended at ``end``."""
        self._marks.setdefault(_key(signal), _Mark(signal.judged_by, end))

    def _mark(self, signal: CompiledSignal) -> _Mark | None:
        found = self._marks.get(_key(signal))
        return found if found is not None and found.judged_by == signal.judged_by else None


def newest_end(signal: CompiledSignal, tick: float) -> float:
    """The end of the newest whole window; one poll late, so that its last samples have come in."""
    return math.floor((tick - signal.interval) / signal.window + 1e-9) * signal.window


def frames(question: Question, answer: Answer) -> Iterator[tuple[float, Sequence[Row]]]:
    """The rows of each window asked for, by its end, in order."""
    if question.first == question.last:
        yield question.last, answer.rows
        return
    rows: dict[int, list[Row]] = {}
    for series in answer.series:
        for row in series.rows():
            rows.setdefault(round((row.at - question.first) / question.step), []).append(row)
    for number in range(round((question.last - question.first) / question.step) + 1):
        yield question.first + number * question.step, tuple(rows.get(number, ()))


def _key(signal: CompiledSignal) -> SignalKey:
    return (signal.namespace, signal.policy, signal.name)
