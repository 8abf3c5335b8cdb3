"""`change`: a small lasting shift of a value, found by summing what each window alone would not show.

CUSUMs (Page, "Continuous inspection schemes", Biometrika 41, 1954) with a limit for single windows, an EWMA (Roberts,
Technometrics 1, 1959) or Page and Hinkley's test (Hinkley, Biometrika 58, 1971), on the residuals of an AR(1): the
autocorrelation of healthy windows is taken out, so that the rest is independent and the charts' run lengths hold (Alwan
and Roberts, Journal of Business and Economic Statistics 6, 1988). Limits: `core.stats.estimated`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from knowngood.api.conditions import Reason
from knowngood.api.detectors import ChangeDetector, ChangeMethod, Direction
from knowngood.api.observed import Verdict
from knowngood.core.detectors.charts import Charts, Sums, charts, windows_asked
from knowngood.core.detectors.judgement import Judgement, learning
from knowngood.core.detectors.port import Case, Judged, Span
from knowngood.core.detectors.standard import FEWEST_WINDOWS, Healthy, healthy
from knowngood.core.detectors.usable import too_few, unusable
from knowngood.core.signals.sample import Sample

_TOLERANCE = 0.01  # of a window
_LONGEST_GAP = 20.5  # windows without data, after which what was summed is forgotten
_MOST_SIGMAS = 1_000.0
_NEXT = 1.5  # windows: what came longer ago does not explain this one
_SIDES = {1: "above", -1: "below", 0: "above or below"}
_WATCHED = {Direction.UP: 1, Direction.DOWN: -1, Direction.BOTH: 0}


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of the last window judged, whose end is ``end`` (seconds since the epoch).

    ``up`` and ``down`` are the charts' sums, ``z`` its standardised value, ``side`` where it had shifted (1, -1 or 0);
    ``seen`` windows had the mean ``level``, in standard deviations from the baseline's (Page and Hinkley's).
    """

    end: float
    value: float
    count: float | None
    z: float
    up: Sums = ()
    down: Sums = ()
    side: int = 0
    seen: int = 0
    level: float = 0.0


class Change:
    """The detector."""

    name: ClassVar[str] = "change"
    whole_windows: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    memory: ClassVar[type | None] = Memory

    def judge(self, settings: ChangeDetector, cases: Sequence[Case], span: Span) -> list[Judged]:
        """Each series by itself."""
        asked = windows_asked(settings.false_alarm_every, span.length)
        return [_judge(settings, case, span, asked) for case in cases]


def _judge(settings: ChangeDetector, case: Case, span: Span, asked: float) -> Judged:
    problem = unusable(case.sample) or too_few(case.sample, settings.min_samples)
    if problem is not None:
        return problem, case.memory
    if case.baseline is None or case.baseline.windows < FEWEST_WINDOWS:
        return learning(), case.memory
    known = healthy(case.baseline, case.sample)
    if known.variance <= 0:
        text = "the healthy value never varied, so that a shift has no measure; write threshold instead"
        return Judgement(Verdict.INCONCLUSIVE, Reason.NO_SPREAD, text), case.memory
    memory: Memory | None = case.memory
    gap = (span.end - memory.end) / span.length if memory else 0.0
    if memory is None or gap > _LONGEST_GAP:
        memory = _START
    if memory is _START or gap > _TOLERANCE:
        limits = charts(settings, asked, case.segments, known)
        memory = _advanced(settings, limits, known, case.sample, memory, span)
    return _judgement(settings, known, memory), memory


_START = Memory(-math.inf, 0.0, None, 0.0)


def _advanced(
    settings: ChangeDetector, limits: Charts, known: Healthy, sample: Sample, old: Memory, span: Span
) -> Memory:
    """The memory with this window counted; a short gap leaves the sums, and ends the dependence on the last window."""
    z = min(max(known.standardised(sample), -_MOST_SIGMAS), _MOST_SIGMAS)
    follows = span.end - old.end < _NEXT * span.length
    residual = known.residual(z - old.level, old.z - old.level if follows else None)
    up, down = limits.moved(old.up, old.down, residual)
    side = limits.side(up, down, old.side)
    if old.side and not side:
        up, down = (), ()  # what was found is over
    seen, level = old.seen, old.level
    if settings.method is ChangeMethod.PAGE_HINKLEY and side == 0:
        seen += 1
        level += (limits.clipped(z) - level) / (known.windows + seen)
    return Memory(span.end, sample.value or 0.0, sample.count, z, up, down, side, seen, level)


def _judgement(settings: ChangeDetector, known: Healthy, memory: Memory) -> Judgement:
    shift = settings.smallest_shift_sigmas * known.sigma
    threshold = f"a lasting shift of {shift:.2g} from {known.mean:.4g}"
    if memory.side:
        text = f"the value has shifted {_SIDES[memory.side]} its healthy level, and stays there"
        return Judgement(Verdict.BREACH, Reason.SHIFTED, text, memory.value, memory.count, threshold)
    text = f"no lasting shift {_SIDES[_WATCHED[settings.direction]]} the healthy level"
    return Judgement(Verdict.HEALTHY, Reason.HEALTHY, text, memory.value, memory.count, threshold)
