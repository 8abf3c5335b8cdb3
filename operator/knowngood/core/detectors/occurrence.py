"""`occurrence`: it happened at all within the window.

For what must never happen, as a leak: no rate is usual, so nothing is learned and there is no dial; each event is one
breach, for as long as the window holds it. Judged at every poll over the sliding window. Whether an absent series is
no event or no data is the input's to know.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from knowngood.api.conditions import Reason
from knowngood.api.detectors import OccurrenceDetector
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Judged, Span
from knowngood.core.detectors.usable import unusable
from knowngood.core.signals.sample import Flags, Sample, Samples

_LIMIT = "above 0"


class Occurrence:
    """The detector."""

    name: ClassVar[str] = "occurrence"
    whole_windows: ClassVar[bool] = False
    learns: ClassVar[bool] = False
    memory: ClassVar[type | None] = None

    def judge(self, settings: OccurrenceDetector, cases: Sequence[Case], span: Span) -> list[Judged]:
        """Each series by itself."""
        return [(_judge(case.sample), None) for case in cases]

    def quiet(self, settings: OccurrenceDetector, samples: Samples) -> Flags:
        """Where it is known not to have happened."""
        found: Flags = samples.states.ok & (samples.values <= 0) & (samples.values > -np.inf)
        return found & ~np.isinf(samples.counts) & ~np.isinf(samples.hits)


def _judge(sample: Sample) -> Judgement:
    if (found := unusable(sample)) is not None:
        return found
    if (sample.value or 0.0) > 0:
        text = "it happened within the window, and must never"
        return Judgement(Verdict.BREACH, Reason.OCCURRED, text, sample.value, sample.count, _LIMIT)
    text = "it did not happen within the window"
    return Judgement(Verdict.HEALTHY, Reason.HEALTHY, text, sample.value, sample.count, _LIMIT)
