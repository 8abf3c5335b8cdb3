"""The sweep of a backtest as a chart: false alarms against delay, or openings where no incident is known."""

from collections.abc import Iterator, Sequence

from knowngood.cli.backtest import drawing as d
from knowngood.cli.backtest.answer import Answer, Sweep, Turned
from knowngood.cli.backtest.words import long
from knowngood.core.backtest.score import Outcome

SWEEP_HEIGHT = 300.0
_CURVE, _WRITTEN, _LACKING = "#1a6e8e", "#b3261e", "#fff"
_HEAD, _FOOT = 54.0, 52.0
_LETTER, _LINE = 6.6, 13.0  # about as wide and high as letters of 11 are


def sweep(answer: Answer, found: Sweep, top: float, width: float, left: float, right: float) -> Iterator[str]:
    """The chart below ``top``."""
    yield d.text(left, top + 18, ", ".join(found.signals) + f": {found.field}", size=14, weight="600")
    yield d.dot(width - right - 66, top + 14, 4.5, _WRITTEN, _WRITTEN, "as written")
    yield d.text(width - right, top + 18, "as written", "end", d.SOFT, 11)
    area = (left, width - right, top + _HEAD, top + SWEEP_HEIGHT - _FOOT)
    if answer.labelled and any(t.score.mean_delay is not None for t in found.values):
        yield from _against_delay(found.values, area, top)
    else:
        yield from _by_value(found.values, area, top)


Area = tuple[float, float, float, float]


def _against_delay(values: Sequence[Turned], area: Area, top: float) -> Iterator[str]:
    left, right, high, low = area
    placed = [(t, t.score.mean_delay) for t in values]
    slowest = max(delay for _, delay in placed if delay is not None)
    most = max(1, *(len(t.score.false_alarms) for t in values))
    x, y = d.linear(0.0, slowest * 1.12 or 1.0, left, right), d.linear(0.0, most * 1.12, low, high)
    yield d.text(left, top + 36, "false alarms", fill=d.SOFT, size=11)
    yield from _grid(area, [round(v) for v in d.ticks(0, most, 4) if v == round(v)], y)
    for tick in d.duration_ticks(slowest * 1.05):
        yield d.text(x(tick), low + 16, long(tick), anchor="middle", fill=d.SOFT, size=11)
    yield d.text(right, low + 34, "mean delay of the incidents found", anchor="end", fill=d.SOFT, size=11)
    grouped: dict[tuple[float, float], list[Turned]] = {}
    for turned, delay in placed:
        if delay is not None:
            grouped.setdefault((x(delay), y(len(turned.score.false_alarms))), []).append(turned)
    yield d.path(list(grouped), _CURVE, 1.2)
    labels = _Labels(right)
    for (at, height), here in grouped.items():
        yield from _point(at, height, here, labels)
    unfound = [t.value for t, delay in placed if delay is None]
    if unfound:
        yield d.text(left, low + 34, f"nothing found with {', '.join(unfound)}", fill=_WRITTEN, size=11)


class _Labels:
    """Places for words beside points, none over another."""

    def __init__(self, right: float) -> None:
        self._right = right
        self._taken: list[tuple[float, float, float]] = []  # from, to, height

    def place(self, at: float, height: float, words: str) -> tuple[float, float, str]:
        """Where the words go, and their anchor."""
        length, end = _LETTER * len(words), at > self._right - _LETTER * len(words)
        start = at - 9 - length if end else at + 9
        height -= 8
        while any(start < b and a < start + length and abs(height - h) < _LINE for a, b, h in self._taken):
            height -= _LINE
        self._taken.append((start, start + length, height))
        return (at - 9 if end else at + 9), height, "end" if end else "start"


def _point(at: float, height: float, here: Sequence[Turned], labels: _Labels) -> Iterator[str]:
    lacking = len(here[0].score.found) - here[0].score.count(Outcome.FOUND)
    words = ", ".join(t.value for t in here) + (f" ({lacking} not found)" if lacking else "")
    colour = _WRITTEN if any(t.written for t in here) else _CURVE
    yield d.dot(at, height, 4.5, _LACKING if lacking else colour, colour, words)
    x, y, anchor = labels.place(at, height, words)
    yield d.text(x, y, words, anchor, colour, 11)


def _by_value(values: Sequence[Turned], area: Area, top: float) -> Iterator[str]:
    left, right, high, low = area
    most = max(1, *(len(t.openings) for t in values))
    y = d.linear(0.0, most * 1.12, low, high)
    yield d.text(left, top + 36, "would have opened", fill=d.SOFT, size=11)
    yield from _grid(area, [round(v) for v in d.ticks(0, most, 4) if v == round(v)], y)
    each = (right - left) / len(values)
    for number, turned in enumerate(values):
        middle, count = left + (number + 0.5) * each, len(turned.openings)
        colour = _WRITTEN if turned.written else _CURVE
        yield d.box(middle - min(28.0, each / 3), y(count), min(56.0, 2 * each / 3), low - y(count), colour, 0.85)
        yield d.text(middle, y(count) - 5, str(count), "middle", colour, 11)
        yield d.text(middle, low + 16, turned.value, "middle", colour, 11)


def _grid(area: Area, marks: Sequence[int], y: d.Scale) -> Iterator[str]:
    left, right, _, low = area
    for mark in marks:
        yield d.line(left, y(mark), right, y(mark))
        yield d.text(left - 6, y(mark) + 4, str(mark), anchor="end", fill=d.SOFT, size=11)
    yield d.line(left, low, right, low, d.SOFT)
