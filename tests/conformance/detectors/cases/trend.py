"""`trend`, point by window and with windows joined to points."""

from knowngood.api.detectors import TrendDetector
from knowngood.core.detectors.trend import Trend
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from tests.conformance.detectors.cases.case import Case

_NOISE = (0.03, -0.01, 0.0, -0.03, 0.02, 0.01, -0.02)


def _sliding(number: int, step: float) -> tuple[Sample, ...]:
    values = [0.9 + step * i + _NOISE[i % len(_NOISE)] for i in range(number)]
    return tuple(Sample({}, DataState.OK, value, 500) for value in values)


CASES = (
    Case(
        Trend(),
        TrendDetector(over="50m", direction="Down", limit=0.5, false_alarm_every="1d"),
        _sliding(7, 0.0),
        _sliding(100, -0.003),
        label="down",
    ),
    Case(
        Trend(),
        TrendDetector(over="5h", min_samples=100, false_alarm_every="7d"),
        _sliding(7, 0.0),
        _sliding(100, 0.004),
        label="joined",
    ),
)
