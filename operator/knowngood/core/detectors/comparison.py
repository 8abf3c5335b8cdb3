"""`comparison`: the running release is worse than another one in the same windows.

Evidence is summed up window by window: for each size of difference an e-process, begun anew at every window, so that
the alarm is as rare as `falseAlarmEvery` says however long one looks (`stats.sequential`). A difference up to
`minEffect` is none. Once found, it lasts until the same evidence speaks as clearly for a release that is no worse (20
to 1).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from knowngood.api.conditions import Reason
from knowngood.api.detectors import ComparisonDetector
from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.core.detectors.differences import Difference, difference
from knowngood.core.detectors.judgement import Judgement, learning, undecided
from knowngood.core.detectors.port import Case, Judged, Span
from knowngood.core.detectors.usable import too_few, unusable
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from knowngood.core.signals.series import key_of
from knowngood.core.stats.families import window_alpha
from knowngood.core.stats.sequential import restarted

_SIZES = (0.25, 0.5, 1.0, 2.0)  # of differences, in standard errors of a window
_LARGEST = 5.0  # more standard errors than this count as so many: one window is no proof
_OVER = math.log(20)
_TOLERANCE_SECONDS = 1e-3


@dataclass(frozen=True, slots=True)
class Memory:
    """What all windows up to ``end`` have shown.

    ``logs`` are logarithms of the sums of e-processes, by way and size; ``found`` is the place in it of the difference
    that was found, else -1, and ``against`` how far the evidence against it has come since. ``other`` is the release
    compared with: another one begins anew.
    """

    end: float
    logs: tuple[float, ...] = ()
    found: int = -1
    against: float = 0.0
    other: str = ""


class Comparison:
    """The detector."""

    name: ClassVar[str] = "comparison"
    whole_windows: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    memory: ClassVar[type | None] = Memory

    def judge(self, settings: ComparisonDetector, cases: Sequence[Case], span: Span) -> list[Judged]:
        """Each series with its own other."""
        return [_judge(settings, case, span) for case in cases]


def _judge(settings: ComparisonDetector, case: Case, span: Span) -> Judged:
    if (found := _undecided(settings, case)) is not None or case.baseline is None or case.reference is None:
        return found or learning(), case.memory
    apart = difference(case.sample, case.reference, case.baseline)
    if apart is None:
        text = "healthy windows never differed, so that nothing tells how large a difference is"
        return undecided(DataState.TOO_FEW, text), case.memory
    other = ",".join(f"{name}={value}" for name, value in key_of(case.reference.labels))
    memory = case.memory if case.memory is not None and case.memory.other == other else Memory(-math.inf, other=other)
    if span.end > memory.end + _TOLERANCE_SECONDS:
        alpha = window_alpha(seconds(settings.false_alarm_every), span.length, case.segments)
        memory = replace(_advanced(memory, settings, apart, -math.log(alpha)), end=span.end)
    return _said(settings, case.sample, memory.found >= 0), memory


def _undecided(settings: ComparisonDetector, case: Case) -> Judgement | None:
    if (found := unusable(case.sample) or too_few(case.sample, settings.min_samples)) is not None:
        return found
    if case.baseline is None:
        return learning()
    if case.reference is None:
        text = "the release to compare with has no data in the same window"
        return Judgement(Verdict.INCONCLUSIVE, Reason.NO_COMPARISON, text, state=DataState.EMPTY)
    if (found := unusable(case.reference) or too_few(case.reference, settings.min_samples)) is not None:
        return replace(found, message=f"of the release to compare with: {found.message}")
    return None


def _advanced(memory: Memory, settings: ComparisonDetector, apart: Difference, needed: float) -> Memory:
    """With one more window; ``needed`` is the logarithm of the windows between false alarms."""
    gains = [
        _gain(size, min(worse, _LARGEST), apart.step)
        for worse in apart.worse(settings.direction, settings.min_effect)
        for size in _SIZES
    ]
    if 0 <= memory.found < len(gains):
        against = max(0.0, memory.against - gains[memory.found])
        return replace(memory, against=against) if against < _OVER else Memory(memory.end, other=memory.other)
    before = memory.logs if len(memory.logs) == len(gains) else None
    logs = restarted(before, gains) if before else np.array(gains)
    if float(np.logaddexp.reduce(logs)) - math.log(len(gains)) < needed:
        return replace(memory, logs=tuple(logs.tolist()), found=-1)
    return replace(memory, logs=(), found=int(np.argmax(logs)), against=0.0)


def _gain(size: float, worse: float, step: float) -> float:
    """What a window adds to the logarithm of the e-process of a difference of that ``size``.

    Bernstein's inequality bounds the mean of what counts add, which are skewed; where it does not reach, they add
    nothing (Boucheron, Lugosi and Massart, Concentration Inequalities, 2013, 2.8).
    """
    skew = size * step / 3
    return size * worse - size**2 / 2 / (1 - skew) if skew < 0.9 else 0.0


def _said(settings: ComparisonDetector, sample: Sample, found: bool) -> Judgement:
    limit = f"worse by more than {settings.min_effect:g}"
    if found:
        text = "worse than the release it is compared with, in the same windows"
        return Judgement(Verdict.BREACH, Reason.WORSE, text, sample.value, sample.count, limit)
    text = "not shown to be worse than the release it is compared with"
    return Judgement(Verdict.HEALTHY, Reason.HEALTHY, text, sample.value, sample.count, limit)
