"""`threshold` in its three forms."""

from knowngood.api.detectors import ThresholdDetector
from knowngood.core.detectors.threshold import Threshold
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from tests.conformance.detectors.cases.case import Case


def _samples(*values: float) -> tuple[Sample, ...]:
    return tuple(Sample({}, DataState.OK, value, 1_000) for value in values)


CASES = (
    Case(
        Threshold(),
        ThresholdDetector(below=0.9, for_="15s", min_samples=50),
        _samples(0.97, 0.91, 0.9, 1.0, 0.95),
        _samples(0.4),
        label="below",
    ),
    Case(
        Threshold(),
        ThresholdDetector(above=2.5, for_="0s"),
        _samples(0.0, 2.5, 1.0, -3.0),
        _samples(2.6),
        label="above",
    ),
    Case(
        Threshold(),
        ThresholdDetector(below=0.1, above=0.9, for_="1m"),
        _samples(0.1, 0.5, 0.9),
        _samples(0.05),
        label="between",
    ),
)
