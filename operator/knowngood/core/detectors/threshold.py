"""`threshold`: a limit that must be passed for as long as `for` says, on at least `minSamples` observations.

It judges the sliding window at every poll. Its only memory is since when the limit is passed; a gap in judgeable
data longer than two polls starts `for` anew, since nobody saw what happened meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from knowngood.api.conditions import Reason
from knowngood.api.detectors import ThresholdDetector
from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement, undecided
from knowngood.core.detectors.port import Case, Judged, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Flags, Sample, Samples, value_state

_GAP_POLLS = 2.5
_TOLERANCE_SECONDS = 1e-3


@dataclass(frozen=True, slots=True)
class Memory:
    """Since when, and until when, the limit was seen passed; seconds since the epoch."""

    since: float
    last: float


class Threshold:
    """The detector."""

    name: ClassVar[str] = "threshold"
    whole_windows: ClassVar[bool] = False
    learns: ClassVar[bool] = False
    memory: ClassVar[type | None] = Memory

    def judge(self, settings: ThresholdDetector, cases: Sequence[Case], span: Span) -> list[Judged]:
        """Each series by itself."""
        return [judge(settings, case.sample, case.memory, span.end, span.interval) for case in cases]

    def quiet(self, settings: ThresholdDetector, samples: Samples) -> Flags:
        """Where the value is within its limits, on enough observations."""
        value, count = samples.values, samples.counts
        found: Flags = samples.states.ok & np.isfinite(value)
        found &= np.where(
            np.isnan(count), settings.min_samples <= 1, np.isfinite(count) & (count >= settings.min_samples)
        )
        if settings.below is not None:
            found &= value >= settings.below
        if settings.above is not None:
            found &= value <= settings.above
        return found


def judge(
    detector: ThresholdDetector, sample: Sample, memory: Memory | None, now: float, interval: float
) -> tuple[Judgement, Memory | None]:
    """Judge ``sample`` at ``now`` (seconds since the epoch), polled every ``interval`` seconds."""
    if sample.state is not DataState.OK or sample.value is None:
        return undecided(sample.state, sample.message), memory
    for number in (sample.value, sample.count or 0.0):
        state, why = value_state(number)
        if state is not DataState.OK:
            return undecided(state, why), memory
    if sample.count is not None and sample.count < detector.min_samples:
        few = f"fewer than minSamples {detector.min_samples} in the window"
        return undecided(DataState.TOO_FEW, few), memory
    if detector.min_samples > 1 and sample.count is None:
        return undecided(DataState.TOO_FEW, "minSamples is set, but nothing counts samples; write promql.samples"), None
    reason, threshold = _passed(detector, sample.value)
    judged = Judgement(
        Verdict.HEALTHY, reason, f"within its limits: not {threshold}", sample.value, sample.count, threshold
    )
    if reason is Reason.HEALTHY:
        return judged, None
    since = memory.since if memory and now - memory.last <= _GAP_POLLS * interval else now
    after = Memory(since=since, last=now)
    if now - since + _TOLERANCE_SECONDS < seconds(detector.for_):
        waiting = f"the value is {threshold}, not yet for {detector.for_}"
        return replace(judged, verdict=Verdict.INCONCLUSIVE, reason=Reason.PENDING, message=waiting), after
    return replace(judged, verdict=Verdict.BREACH, message=f"the value is {threshold}"), after


def _passed(detector: ThresholdDetector, value: float) -> tuple[Reason, str]:
    """The reason, and the limit passed as people write it; the limits themselves where none is."""
    if detector.below is not None and value < detector.below:
        return Reason.BELOW_THRESHOLD, f"below {detector.below:g}"
    if detector.above is not None and value > detector.above:
        return Reason.ABOVE_THRESHOLD, f"above {detector.above:g}"
    limits = [f"below {detector.below:g}"] if detector.below is not None else []
    limits += [f"above {detector.above:g}"] if detector.above is not None else []
    return Reason.HEALTHY, " or ".join(limits)
