"""`burst`: rare and frequent events, with and without exposure, after a baseline with none."""

from knowngood.api.detectors import BurstDetector
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.burst import Burst
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from tests.conformance.detectors.cases.case import Case


def _events(*numbers: tuple[float, float | None]) -> tuple[Sample, ...]:
    return tuple(Sample({}, DataState.OK, hits, count, hits=hits) for hits, count in numbers)


CASES = (
    Case(
        Burst(),
        BurstDetector(),
        _events((20, 1_000), (26, 1_000), (11, 1_000), (65, 3_000), (230, 10_000), (0, 1_000)),
        _events((900, 1_000)),
        Baseline(200, phi=0.3, hits=4_000, total=200_000, dispersion=2.0),
        window=300.0,
        label="unrest",
    ),
    Case(
        Burst(),
        BurstDetector(false_alarm_every="1d"),
        _events((2, None), (0, None), (6, None)),
        _events((40, None)),
        Baseline(100, hits=210, total=100.0, dispersion=0.9),
        label="time",
    ),
    Case(
        Burst(),
        BurstDetector(false_alarm_every="7d"),
        _events((0, 50), (1, 50)),
        _events((9, 50), (12, 60)),
        Baseline(60, hits=0, total=3_000),
        label="never-before",
    ),
)
