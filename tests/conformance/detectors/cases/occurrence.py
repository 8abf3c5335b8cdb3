"""`occurrence`: counters of events, and an expression."""

from knowngood.api.detectors import OccurrenceDetector
from knowngood.core.detectors.occurrence import Occurrence
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from tests.conformance.detectors.cases.case import Case


def _events(*numbers: float, count: float | None = 500.0) -> tuple[Sample, ...]:
    return tuple(Sample({}, DataState.OK, n, count, hits=n) for n in numbers)


CASES = (
    Case(Occurrence(), OccurrenceDetector(), _events(0.0), _events(1.0, 3.0), label="events"),
    Case(
        Occurrence(),
        OccurrenceDetector(),
        (Sample({}, DataState.OK, 0.0),),
        (Sample({}, DataState.OK, 0.5),),
        label="promql",
    ),
)
