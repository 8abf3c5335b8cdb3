"""A window's value as so many standard deviations from the healthy level, with the next window's dependence taken out.

Shares (a sample with hits and a count) are measured by the standard error of their own count: p(1 - p)/n, times how
much more than chance the healthy windows differed (over-dispersion, either a factor or, as in a beta-binomial, growing
with n: whichever is more). Other values by the healthy windows' deviation; where a sample counts fewer observations
than usual, as if all of it were sampling error.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from knowngood.core.detectors.baseline import Baseline
from knowngood.core.signals.sample import Sample

FEWEST_WINDOWS = 20
_MOST_PHI = 0.95
_GRID = 1.12  # windows are rounded down to its powers, and phi up to whole steps, so that limits are few
_PHI_STEP = 0.05
_KURTOSIS_STEP = 0.1
_MOST_KURTOSIS = 20.0


@dataclass(frozen=True, slots=True)
class Healthy:
    """What a baseline says of one series, corrected for how it was estimated.

    ``share`` is whether windows are shares with counts. ``windows`` and ``design_phi`` are rounded to the side of more
    false alarms, for limits that are kept; ``skew`` is of one window's share, ``kurtosis`` what a residual's may be.
    """

    share: bool
    mean: float
    variance: float
    count: float
    dispersion: float
    phi: float
    windows: float
    design_phi: float
    skew: float
    kurtosis: float

    @property
    def sigma(self) -> float:
        """The standard deviation of a window's value; 0 where it never varied."""
        return math.sqrt(self.variance)

    def standardised(self, sample: Sample) -> float:
        """How many standard errors the sample's value is above the healthy level."""
        value, count = sample.value or 0.0, sample.count or 0.0
        if not self.share or not count or sample.hits is None:
            fewer = max(1.0, self.count / count) if count and self.count else 1.0
            return (value - self.mean) / math.sqrt(self.variance * fewer)
        growing = 1 + (self.dispersion - 1) * max(count - 1, 0.0) / max(self.count - 1, 1.0)
        one = self.variance * self.count / self.dispersion
        return (sample.hits / count - self.mean) / math.sqrt(one / count * max(self.dispersion, growing))

    def residual(self, z: float, last: float | None) -> float:
        """What of ``z`` the window before does not explain, in its own standard deviations."""
        return z if last is None else (z - self.phi * last) / math.sqrt(1 - self.phi**2)


@lru_cache(maxsize=16384)
def _estimated(windows: int, phi: float) -> tuple[float, float, float]:
    """The autocorrelation without its bias (Marriott and Pope 1954), never below 0; and both rounded for limits."""
    corrected = min(max((windows * phi + 1) / (windows - 3), 0.0), _MOST_PHI)
    rounded = _GRID ** math.floor(math.log(windows, _GRID) + 1e-9)
    return corrected, rounded, min(math.ceil(corrected / _PHI_STEP) * _PHI_STEP, _MOST_PHI)


def healthy(baseline: Baseline, sample: Sample) -> Healthy:
    """What ``baseline`` says of series like ``sample``."""
    phi, windows, design_phi = _estimated(baseline.windows, baseline.phi)
    share = sample.hits is not None and baseline.total > 0 and baseline.count > 0
    if not share:
        # Of residuals: windows that resemble each other vary less among themselves than about their true mean.
        freedom = (baseline.windows - 1) / (baseline.windows - 3)
        spread = baseline.variance * freedom * (1 - 2 * phi * max(baseline.phi, 0.0) + phi**2) / (1 - phi**2)
        tails = _kurtosis(baseline, phi, 0.0)
        return Healthy(False, baseline.mean, spread, baseline.count, 1.0, phi, windows, design_phi, 0.0, tails)
    p = min(baseline.hits / baseline.total, 1.0)
    smoothed = min((baseline.hits + 0.5) / (baseline.total + 1), 1 - 0.5 / (baseline.total + 1))
    dispersion = max(baseline.dispersion, 1.0)
    variance = smoothed * (1 - smoothed) / baseline.count * dispersion
    skew = (1 - 2 * smoothed) / math.sqrt(smoothed * (1 - smoothed) * baseline.count) * math.sqrt(dispersion)
    tails = _kurtosis(baseline, phi, skew)
    return Healthy(True, p, variance, baseline.count, dispersion, phi, windows, design_phi, skew, tails)


def _kurtosis(baseline: Baseline, phi: float, skew: float) -> float:
    """Of a residual, beyond what ``skew`` gives, in steps; an AR(1) has less of it, by (1 - phi²) / (1 + phi²)."""
    found = max(baseline.kurtosis - 1.5 * skew**2, 0.0) * (1 + phi**2) / (1 - phi**2)
    return math.ceil(min(found, _MOST_KURTOSIS) / _KURTOSIS_STEP) * _KURTOSIS_STEP
