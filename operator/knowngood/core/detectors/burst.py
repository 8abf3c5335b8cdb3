"""`burst`: more events than the exposure and the usual unrest let expect.

The chance of at least so many events, in `stats.counts`, is held against what one window may risk: its length over
`falseAlarmEvery`, shared among the segments. Twice the traffic with twice the events is no burst. A burst that was
found lasts until so many events are no surprise any more (5 %), so that a verdict does not flap at the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from knowngood.api.conditions import Reason
from knowngood.api.detectors import BurstDetector
from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.judgement import Judgement, learning, undecided
from knowngood.core.detectors.port import Case, Judged, Span
from knowngood.core.detectors.usable import unusable
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from knowngood.core.stats import counts
from knowngood.core.stats.families import window_alpha

_LASTS = 0.05
_FEWEST = 2  # windows; without two there is no unrest to know


@dataclass(frozen=True, slots=True)
class Memory:
    """The end of the window in which the burst was found, in seconds since the epoch."""

    since: float


class Burst:
    """The detector."""

    name: ClassVar[str] = "burst"
    whole_windows: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    memory: ClassVar[type | None] = Memory

    def judge(self, settings: BurstDetector, cases: Sequence[Case], span: Span) -> list[Judged]:
        """All series at once."""
        every = seconds(settings.false_alarm_every)
        found = [_undecided(case) for case in cases]
        pairs = [(case, case.baseline) for case, f in zip(cases, found, strict=True) if f is None and case.baseline]
        alphas = [window_alpha(every, span.length, case.segments) for case, _ in pairs]
        limit = f"more than chance gives once in {settings.false_alarm_every}"
        judged = iter(
            _judged(case, p, alpha, limit, span)
            for (case, _), p, alpha in zip(pairs, _chances(pairs, alphas), alphas, strict=True)
        )
        return [(f, case.memory) if f is not None else next(judged) for case, f in zip(cases, found, strict=True)]


def _chances(pairs: Sequence[tuple[Case, Baseline]], alphas: Sequence[float]) -> list[float]:
    if not pairs:
        return []
    timed = [case.sample.count is None for case, _ in pairs]
    bases = [base for _, base in pairs]
    usual = counts.usual(
        [b.windows for b in bases],
        [b.hits for b in bases],
        [b.windows if t else b.total for b, t in zip(bases, timed, strict=True)],
        [b.dispersion for b in bases],
        [b.phi for b in bases],
    )
    exposure = [case.sample.count if case.sample.count is not None else 1.0 for case, _ in pairs]
    # a burst that lasts is held against the laxer limit, with the same widening: its entry was the rare thing
    found: list[float] = counts.tails([_hits(c.sample) for c, _ in pairs], exposure, usual, np.array(alphas)).tolist()
    return found


def _hits(sample: Sample) -> float:
    """Events are whole; what extrapolation adds to them is not one."""
    return float(round(sample.hits if sample.hits is not None else sample.value or 0.0))


def _undecided(case: Case) -> Judgement | None:
    sample, base = case.sample, case.baseline
    if (found := unusable(sample)) is not None:
        return found
    if base is None or base.windows < _FEWEST or (sample.count is not None and base.total <= 0):
        return learning()
    if sample.count is not None and sample.count <= 0:
        return undecided(DataState.TOO_FEW, "no exposure in the window")
    if not all(np.isfinite((base.hits, base.total, base.dispersion, base.phi))) or base.hits < 0:
        return learning()
    return None


def _judged(case: Case, chance: float, alpha: float, limit: str, span: Span) -> Judged:
    sample, memory = case.sample, case.memory
    if chance < alpha or (memory is not None and chance < _LASTS):
        text = "far more events than usual for the exposure"
        judged = Judgement(Verdict.BREACH, Reason.BURST, text, sample.value, sample.count, limit)
        return judged, memory or Memory(span.end)
    text = "no more events than chance gives for the exposure"
    return Judgement(Verdict.HEALTHY, Reason.HEALTHY, text, sample.value, sample.count, limit), None
