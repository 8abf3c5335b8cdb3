"""`occurrence`: one is enough."""

import pytest

from knowngood.api.conditions import Reason
from knowngood.api.detectors import OccurrenceDetector
from knowngood.api.observed import Verdict
from knowngood.core.detectors.occurrence import Occurrence
from knowngood.core.detectors.port import Case, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("sample", "verdict", "reason"),
    [
        (Sample({}, DataState.OK, 1.0, 10.0, hits=1.0), Verdict.BREACH, Reason.OCCURRED),
        (Sample({}, DataState.OK, 0.2), Verdict.BREACH, Reason.OCCURRED),
        (Sample({}, DataState.OK, 0.0, 10.0, hits=0.0), Verdict.HEALTHY, Reason.HEALTHY),
        (Sample({}, DataState.OK, 0.0), Verdict.HEALTHY, Reason.HEALTHY),
        (Sample({}, DataState.EMPTY), Verdict.INCONCLUSIVE, Reason.EMPTY),
        (Sample({}, DataState.OK), Verdict.INCONCLUSIVE, Reason.EMPTY),
        (Sample({}, DataState.OK, float("inf")), Verdict.INCONCLUSIVE, Reason.INFINITE),
        (Sample({}, DataState.TIMEOUT), Verdict.ERROR, Reason.TIMEOUT),
    ],
)
def test_one_is_enough(sample: Sample, verdict: Verdict, reason: Reason) -> None:
    ((found, memory),) = Occurrence().judge(OccurrenceDetector(), [Case(sample)], Span(60.0, 60.0, 15.0))
    assert (found.verdict, found.reason, memory) == (verdict, reason.value, None)
