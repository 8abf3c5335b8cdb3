"""`change` by each method, on values and on shares with counts."""

from knowngood.api.detectors import ChangeDetector
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.change import Change
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from tests.conformance.detectors.cases.case import Case

_LEVEL = Baseline(windows=200, mean=0.8, variance=0.0004, phi=0.3, count=1_000)
_SHARE = Baseline(200, 0.97, 0.00015, 0.0, 200, 38_800, 40_000, 1.1)


def _samples(*values: float) -> tuple[Sample, ...]:
    return tuple(Sample({}, DataState.OK, value, 1_000) for value in values)


def _hits(*hits: int, count: int = 200) -> tuple[Sample, ...]:
    return tuple(Sample({}, DataState.OK, h / count, count, hits=h) for h in hits)


CASES = (
    Case(
        Change(),
        ChangeDetector(direction="Down", min_samples=50),
        _samples(0.8, 0.82, 0.79, 0.83, 0.78),
        _samples(0.75),
        _LEVEL,
        label="cusum-down",
    ),
    Case(
        Change(),
        ChangeDetector(method="Ewma", direction="Up", smallest_shift_sigmas=2),
        _samples(0.8, 0.82, 0.79, 0.83, 0.78),
        _samples(0.87),
        _LEVEL,
        label="ewma-up",
    ),
    Case(
        Change(),
        ChangeDetector(method="PageHinkley", smallest_shift_sigmas=2),
        _samples(0.8, 0.82, 0.79, 0.83, 0.78),
        _samples(0.88),
        _LEVEL,
        label="page-hinkley",
    ),
    Case(Change(), ChangeDetector(direction="Down"), _hits(194, 196, 193, 195, 192), _hits(186), _SHARE, label="share"),
)
