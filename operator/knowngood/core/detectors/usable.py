"""Whether a sample can be judged at all."""

from knowngood.core.detectors.judgement import Judgement, undecided
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample, value_state


def unusable(sample: Sample) -> Judgement | None:
    """Why not, or None: what it says of itself, and numbers that are none."""
    if sample.state is not DataState.OK or sample.value is None:
        return undecided(sample.state if sample.state is not DataState.OK else DataState.EMPTY, sample.message)
    for number in (sample.value, sample.count, sample.hits):
        state, why = value_state(number or 0.0)
        if state is not DataState.OK:
            return undecided(state, why)
    return None


def too_few(sample: Sample, least: int) -> Judgement | None:
    """Why there are too few observations, or None."""
    if sample.count is None and least > 1:
        return undecided(DataState.TOO_FEW, "minSamples is set, but nothing counts samples; write promql.samples")
    if sample.count is not None and sample.count < least:
        return undecided(DataState.TOO_FEW, f"fewer than minSamples {least} in the window")
    return None
