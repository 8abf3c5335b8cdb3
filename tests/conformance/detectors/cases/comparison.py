"""`comparison`: shares beside a release with more traffic, and values of any size."""

from knowngood.api.detectors import ComparisonDetector, Direction
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.comparison import Comparison
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from tests.conformance.detectors.cases.case import Case


def _share(hits: float, count: float) -> Sample:
    return Sample({"release": "9"}, DataState.OK, hits / count, count, hits=hits)


def _value(value: float) -> Sample:
    return Sample({"release": "9"}, DataState.OK, value, 500.0)


CASES = (
    Case(
        Comparison(),
        ComparisonDetector(direction=Direction.DOWN, min_effect=0.01),
        (_share(190, 200), _share(194, 200), _share(186, 200)),
        (_share(140, 200),),
        Baseline(100, 0.95, 2.4e-4, 0.1, 200.0, 19_000, 20_000, 1.1),
        Sample({"release": "8"}, DataState.OK, 0.95, 2_000, hits=1_900),
        label="share",
    ),
    Case(
        Comparison(),
        ComparisonDetector(),
        (_value(0.7), _value(0.72), _value(0.68)),
        (_value(0.95),),
        Baseline(50, 0.7, 9e-4, 0.4, 500.0),
        Sample({"release": "8"}, DataState.OK, 0.7, 500.0),
        label="value",
    ),
)
