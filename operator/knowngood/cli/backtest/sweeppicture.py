"""The sweep of a backtest as a chart: false alarms against delay, or openings where no incident is known."""

from collections.abc import Iterator, Sequence

from knowngood.cli.backtest import drawing as d
from knowngood.cli.backtest.answer import Answer, Sweep, Turned
from knowngood.cli.backtest.words import long, many
from knowngood.core.backtest.score import Outcome

SWEEP_HEIGHT = 300.0
_CURVE, _WRITTEN, _LACKING = "#1a6e8e", "#b3261e", "#fff"
_HEAD, _FOOT = 54.0, 52.0


def sweep(answer: Answer, found: Sweep, top: float, width: float, left: float, right: float) -> Iterator[str]:
    """The chart below ``top``."""
    yield d.text(left, top + 18, f"{found.field} of {', '.join(found.signals)}", size=14, weight="600")
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
    for tick in d.ticks(0.0, slowest, 6):
        yield d.text(x(tick), low + 16, long(tick), anchor="middle", fill=d.SOFT, size=11)
    yield d.text(right, low + 34, "mean delay of the incidents found", anchor="end", fill=d.SOFT, size=11)
    points = [(x(delay), y(len(t.score.false_alarms))) for t, delay in placed if delay is not None]
    yield d.path(points, _CURVE, 1.2)
    grouped: dict[tuple[float, float], list[Turned]] = {}
    for (turned, _), place in zip([p for p in placed if p[1] is not None], points, strict=True):
        grouped.setdefault(place, []).append(turned)
    for (at, height), here in grouped.items():
        yield from _point(at, height, here, right)
    unfound = [t.value for t, delay in placed if delay is None]
    if unfound:
        yield d.text(left, low + 34, f"nothing found with {', '.join(unfound)}", fill=_WRITTEN, size=11)


def _point(at: float, height: float, here: Sequence[Turned], right: float) -> Iterator[str]:
    missed = here[0].score.count(Outcome.MISSED)
    words = ", ".join(t.value for t in here) + (f" ({many(missed, 'missed incident')})" if missed else "")
    written = any(t.written for t in here)
    colour = _WRITTEN if written else _CURVE
    yield d.dot(at, height, 5 if written else 4, _LACKING if missed else colour, colour, words)
    end = at > right - 8.0 * len(words)
    words += ", as written" if written else ""
    yield d.text(at - 9 if end else at + 9, height - 8, words, "end" if end else "start", colour, 11)


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
        words = turned.value + (", as written" if turned.written else "")
        yield d.text(middle, low + 16, words, "middle", colour, 11)


def _grid(area: Area, marks: Sequence[int], y: d.Scale) -> Iterator[str]:
    left, right, _, low = area
    for mark in marks:
        yield d.line(left, y(mark), right, y(mark))
        yield d.text(left - 6, y(mark) + 4, str(mark), anchor="end", fill=d.SOFT, size=11)
    yield d.line(left, low, right, low, d.SOFT)
