"""`trend`: a value that slides slowly and steadily, window by window too little to notice.

Mann and Kendall's test over the windows of the last `over`, joined to at most a hundred points; by ranks, so that a
freak window weighs no more than any other (`core.stats.trend`). It compares a series with its own past and needs no
baseline, which would be of an older level; until there are enough points of its own it says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from knowngood.api.conditions import Reason
from knowngood.api.detectors import Direction, TrendDetector
from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.core.detectors.charts import windows_asked
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Judged, Span
from knowngood.core.detectors.usable import too_few, unusable
from knowngood.core.stats import trend

_MOST_POINTS = 100
_BACK = 5  # points whose median is nearer to where the slide began than to where it was found
_TOLERANCE = 0.01  # of a window
_MOST = 1e300  # of a value, so that differences stay finite
_LEFT = (
    (3_600.0, "less than an hour"),
    (43_200.0, "hours"),
    (172_800.0, "about a day"),
    (604_800.0, "days"),
    (5_184_000.0, "weeks"),
    (math.inf, "months"),
)
_PASSED = -2
_WAYS = {1: "up", -1: "down"}
_WATCHED = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.BOTH: (1, -1)}


@dataclass(frozen=True, slots=True)
class Memory:
    """The history: points of ``each`` windows, at whole ``times`` in points since the epoch, and the one being filled.

    ``end`` is of the last window judged. ``side`` is the way it slides (1 up, -1 down, 0 neither), from the value
    ``first`` to ``last``, seen last at the point ``since``; ``left`` is the step of the time left, -1 where there is
    none and -2 once the limit was passed. ``settled``: it came back from a slide, so that a short history is no
    ignorance.
    """

    end: float
    value: float
    count: float | None
    each: int
    times: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    filling: int = 0
    weight: float = 0.0
    weighed: float = 0.0
    side: int = 0
    since: int = 0
    first: float = 0.0
    last: float = 0.0
    left: int = -1
    settled: bool = False


class Trend:
    """The detector."""

    name: ClassVar[str] = "trend"
    whole_windows: ClassVar[bool] = True
    learns: ClassVar[bool] = False
    memory: ClassVar[type | None] = Memory

    def judge(self, settings: TrendDetector, cases: Sequence[Case], span: Span) -> list[Judged]:
        """Each series by itself."""
        whole = int(seconds(settings.over) / span.length + _TOLERANCE)
        if whole < trend.FEWEST:
            text = f"over is shorter than {trend.FEWEST} windows of the signal: write a longer one, or a shorter window"
            short = Judgement(Verdict.INCONCLUSIVE, Reason.INVALID, text)
            return [(unusable(case.sample) or short, case.memory) for case in cases]
        each = -(-whole // _MOST_POINTS)
        asked = windows_asked(settings.false_alarm_every, span.length) / each
        return [_judge(settings, case, span, each, whole // each, asked * case.segments) for case in cases]


def _judge(settings: TrendDetector, case: Case, span: Span, each: int, points: int, asked: float) -> Judged:
    problem = unusable(case.sample) or too_few(case.sample, settings.min_samples)
    if problem is not None:
        return problem, case.memory
    value, count = min(max(case.sample.value or 0.0, -_MOST), _MOST), case.sample.count
    memory: Memory | None = case.memory
    if memory is None or memory.each != each:
        memory = Memory(-math.inf, value, count, each)
    if span.end - memory.end > _TOLERANCE * span.length:
        memory = replace(_added(memory, span, points, value, count or 1.0), end=span.end, value=value, count=count)
        if not memory.weight:  # this window ended a point
            memory = _tested(settings, memory, points, asked, each * span.length)
    return _judgement(settings, memory), memory


def _added(memory: Memory, span: Span, points: int, value: float, weight: float) -> Memory:
    """The history with this window; a point is kept once its last window, or one after it, has come."""
    length = memory.each * span.length
    now = math.ceil((span.end - _TOLERANCE * span.length) / length)  # the point that this window is part of
    if memory.weight and now > memory.filling:
        memory = _kept(memory)
    total = memory.weight + weight
    mean = memory.weighed + (value - memory.weighed) * (weight / total) if memory.weight else value
    memory = replace(memory, filling=now, weight=total, weighed=mean)
    if span.end >= now * length - _TOLERANCE * span.length:
        memory = _kept(memory)
    oldest = memory.filling - points
    gone = sum(1 for t in memory.times if t <= oldest)
    return replace(memory, times=memory.times[gone:], values=memory.values[gone:])


def _kept(memory: Memory) -> Memory:
    times, values = (*memory.times, memory.filling), (*memory.values, memory.weighed)
    return replace(memory, times=times, values=values, weight=0.0, weighed=0.0)


def _tested(settings: TrendDetector, memory: Memory, points: int, asked: float, length: float) -> Memory:
    """The memory after a test of the history; what slid is forgotten after a gap that left too few points."""
    if len(memory.times) < trend.FEWEST:
        return replace(memory, side=0, left=-1) if memory.side else memory
    with np.errstate(all="ignore"):
        found = trend.slide(np.array(memory.times, np.float64) - memory.times[0], np.array(memory.values))
    watched = _WATCHED[settings.direction]
    limit = trend.limit(asked if len(watched) == 2 else asked / 2, len(memory.times), found.phi)  # of two sides' rate
    way = 1 if found.z > 0 else -1
    now = memory.times[-1]
    if abs(found.z) >= limit and way in watched:
        began = memory if memory.side == way else replace(memory, first=found.first, left=-1)
        memory = replace(began, side=way, since=now, last=found.last, settled=False)
        return replace(memory, left=_time_left(settings, memory, found.slope / length))
    if memory.side and _came_back(memory):
        return replace(
            memory, times=memory.times[-_BACK:], values=memory.values[-_BACK:], side=0, left=-1, settled=True
        )
    if memory.side and now - memory.since >= points:
        return replace(memory, side=0, left=-1)  # it stays where it slid to: a level, and no slide any more
    return memory


def _came_back(memory: Memory) -> bool:
    recent = float(np.median(memory.values[-_BACK:]))
    return abs(recent - memory.first) < abs(recent - memory.last)


def _time_left(settings: TrendDetector, memory: Memory, slope: float) -> int:
    """The step of the time until the limit, never more than was said before; -1 where it does not slide towards one."""
    if memory.left == _PASSED:
        return _PASSED
    if settings.limit is None or not slope * memory.side > 0 or (settings.limit - memory.first) * memory.side <= 0:
        return -1
    left = (settings.limit - memory.last) / slope
    if left <= 0:
        return _PASSED
    step = next(i for i, (most, _) in enumerate(_LEFT) if not left > most)
    return step if memory.left < 0 else min(step, memory.left)


def _judgement(settings: TrendDetector, memory: Memory) -> Judgement:
    value, count, threshold = memory.value, memory.count, f"a steady slide over {settings.over}"
    if memory.side:
        text, left = f"the value slides steadily {_WAYS[memory.side]}", _said_left(settings, memory)
        return Judgement(Verdict.BREACH, Reason.SLIDING, text + left, value, count, threshold + left)
    if len(memory.times) < trend.FEWEST and not memory.settled:
        text = f"too few windows of {settings.over} have been seen to tell a slide from noise"
        return Judgement(Verdict.INCONCLUSIVE, Reason.LEARNING, text, value, count, threshold)
    ways = " or ".join(_WAYS[way] for way in _WATCHED[settings.direction])
    return Judgement(Verdict.HEALTHY, Reason.HEALTHY, f"no steady slide {ways}", value, count, threshold)


def _said_left(settings: TrendDetector, memory: Memory) -> str:
    if memory.left == _PASSED:
        return f"; it has passed {settings.limit:g}"
    return f"; at this pace it reaches {settings.limit:g} in {_LEFT[memory.left][1]}" if memory.left >= 0 else ""
