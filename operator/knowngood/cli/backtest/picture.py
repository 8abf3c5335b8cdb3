"""A backtest's answer as one SVG: each signal's value over the history with what would have opened, and the sweep."""

import math
from collections.abc import Iterator, Sequence

from knowngood.cli.backtest import drawing as d
from knowngood.cli.backtest.answer import Answer
from knowngood.cli.backtest.sweeppicture import SWEEP_HEIGHT, sweep
from knowngood.cli.backtest.words import long, when
from knowngood.core.backtest.ledger import Track

WIDTH, LEFT, RIGHT = 960.0, 64.0, 16.0
_TOP, _PANEL, _GAP, _AXIS = 74.0, 96.0, 30.0, 40.0
_MOST_PANELS = 16
_DASHED = "5 4"
VALUE, OPENED, KNOWN = "#1a6e8e", "#b3261e", "#5046c8"
_SHADES = {"Breach": ("#f6cdc9", "in breach"), "Learning": ("#f3e7c4", "learning"), "": ("#ececef", "not judged")}


def svg(answer: Answer) -> str:
    """The picture, self-contained."""
    tracks = _chosen(answer)
    panels = _TOP + len(tracks) * (_PANEL + _GAP) + _AXIS
    height = panels + (SWEEP_HEIGHT if answer.sweep else 0.0)
    x = d.linear(answer.first, answer.last, LEFT, WIDTH - RIGHT)
    parts = [*_head(answer, len(tracks))]
    for number, (model, signal, track) in enumerate(tracks):
        parts += _panel(answer, model, signal, track, _TOP + number * (_PANEL + _GAP), x)
    parts += _axis(answer, panels - _AXIS - _GAP / 2, x)
    if answer.sweep:
        parts += sweep(answer, answer.sweep, panels, WIDTH, LEFT, RIGHT)
    return d.document(WIDTH, height, f"backtest of {answer.namespace}/{answer.policy}", parts)


def _chosen(answer: Answer) -> Sequence[tuple[str, str, Track]]:
    """Where there are too many, those in which something happened."""
    found = list(answer.ledger.words())
    if len(found) <= _MOST_PANELS:
        return found
    opened = {o.model for o in answer.openings}
    ordered = sorted(found, key=lambda t: (t[0] not in opened, -t[2].words.get("Breach", 0.0)))[:_MOST_PANELS]
    return sorted(ordered, key=lambda t: t[:2])


def _head(answer: Answer, shown: int) -> Iterator[str]:
    yield d.text(LEFT, 24, f"{answer.namespace}/{answer.policy}", size=16, weight="600")
    more = len(answer.ledger.tracks) - shown
    said = f"{when(answer.first)} to {when(answer.last)}, polled every {long(answer.interval)}"
    yield d.text(LEFT, 42, said + (f"; {more} more signals are not shown" if more else ""), fill=d.SOFT)
    x = LEFT
    for colour, words in [*_SHADES.values(), (KNOWN, "known incident")]:
        yield d.box(x, 52, 12, 10, colour, 0.25 if colour == KNOWN else 1.0)
        yield d.text(x + 17, 61, words, fill=d.SOFT, size=11)
        x += 34 + 6.2 * len(words)
    yield d.line(x + 5, 51, x + 5, 63, OPENED, 2)
    yield d.text(x + 12, 61, "would have opened", fill=d.SOFT, size=11)
    x += 130
    yield d.line(x, 57, x + 16, 57, OPENED, 1, _DASHED)
    yield d.text(x + 21, 61, "limit", fill=d.SOFT, size=11)


def _panel(answer: Answer, model: str, signal: str, track: Track, top: float, x: d.Scale) -> Iterator[str]:
    bottom = top + _PANEL
    yield d.text(LEFT, top + 11, f"{model} · {signal}", size=12, weight="600")
    yield d.text(WIDTH - RIGHT, top + 11, track.detector, anchor="end", fill=d.SOFT, size=11)
    top += 18
    y, marks = _scale(track, top + 4, bottom - 2)
    for known in (f.known for f in answer.score.found):
        if known.model in ("", model):
            left, right = x(max(known.start, answer.first)), x(min(known.end or known.start, answer.last))
            yield d.box(left, top, right - left, bottom - top, KNOWN, 0.25, f"known incident {when(known.start)}")
    for word, since, until in track.spans:
        colour, _ = _SHADES.get(word, _SHADES[""])
        left, right = x(max(since, answer.first)), x(min(until, answer.last))
        yield d.box(left, top, right - left, bottom - top, colour, 0.7, f"{word} from {when(since)} to {when(until)}")
    for mark in marks:
        yield d.line(LEFT, y(mark), WIDTH - RIGHT, y(mark))
        yield d.text(LEFT - 6, y(mark) + 4, f"{mark:g}", anchor="end", fill=d.SOFT, size=11)
    yield from _values(answer, track, x, y)
    for limit in track.limits:
        yield d.line(LEFT, y(limit), WIDTH - RIGHT, y(limit), OPENED, 1, _DASHED, f"limit {limit:.4g}")
    for known in (f.known for f in answer.score.found):
        if known.model in ("", model) and answer.first <= known.start <= answer.last:
            yield d.line(x(known.start), top, x(known.start), bottom, KNOWN, 1.4)
    for opening in answer.openings:
        if opening.model == model:
            mine = any(f.signal == signal for f in opening.fired)
            yield d.line(x(opening.at), top, x(opening.at), bottom, OPENED, 2 if mine else 0.7)


def _scale(track: Track, top: float, bottom: float) -> tuple[d.Scale, list[float]]:
    """Where values stand, and which are written."""
    values = [v for v in (*track.low, *track.high) if not math.isnan(v)] + list(track.limits)
    low, high = min(values, default=0.0), max(values, default=1.0)
    pad = 0.06 * (high - low) or max(abs(high), 1.0) * 0.06
    return d.linear(low - pad, high + pad, bottom, top), d.ticks(low, high, 3)


def _values(answer: Answer, track: Track, x: d.Scale, y: d.Scale) -> Iterator[str]:
    """A line through the values; a band where a bin holds several."""
    width = (answer.last - answer.first) / track.bins
    run: list[tuple[float, float, float]] = []
    bins = [
        (answer.first + (n + 0.5) * width, low, high)
        for n, (low, high) in enumerate(zip(track.low, track.high, strict=True))
    ]
    for at, low, high in [*bins, (answer.last, math.nan, math.nan)]:
        if not math.isnan(low):
            run.append((x(at), y(low), y(high)))
        elif run:
            yield from _drawn(run)
            run = []


def _drawn(run: Sequence[tuple[float, float, float]]) -> Iterator[str]:
    if len(run) == 1:
        at, low, high = run[0]
        yield d.line(at - 0.7, (low + high) / 2, at + 0.7, (low + high) / 2, VALUE, 1.4)
        return
    yield d.path([(at, low) for at, low, _ in run] + [(at, high) for at, _, high in reversed(run)], VALUE, 0.8, VALUE)


def _axis(answer: Answer, y: float, x: d.Scale) -> Iterator[str]:
    yield d.line(LEFT, y, WIDTH - RIGHT, y, d.SOFT)
    for at, words in d.time_ticks(answer.first, answer.last):
        yield d.line(x(at), y, x(at), y + 4, d.SOFT)
        anchor = "end" if x(at) > WIDTH - 3 * RIGHT else "middle"
        yield d.text(x(at), y + 17, words, anchor, d.SOFT, 11)
