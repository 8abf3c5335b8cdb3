"""Whether, and how fast, values slide: Mann and Kendall's test and Sen's slope, looked at again and again.

Mann, "Nonparametric tests against trend", Econometrica 13 (1945); Sen, "Estimates of the regression coefficient based
on Kendall's tau", JASA 63 (1968). Autocorrelation: the variance of Hamed and Rao, Journal of Hydrology 204 (1998), with
the correlations of an AR(1), since those of many lags are mostly noise. Looking again at histories that overlap: for
many points the statistic is a stationary Gaussian process with correlation 1 - 3|lag|/n nearby, whose rate of passing a
limit is that of Siegmund, "Sequential Analysis" (1985), chapter 4, and Pickands (1969).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowngood.core.stats import estimated

Values = NDArray[np.float64]

FEWEST = 12  # points, before which nothing can be said
_MOST_PHI = 0.9
_PHI_STEP = 0.05
_EDGE = 0.583  # of Siegmund's correction for looking only at points, not all the time
_CORNERS = 3.0  # how fast the statistic forgets: of the correlation at a lag of one history
_HIGHEST = 60.0
_ROOM = 1.4  # measured: for what a normal statistic and an autocorrelation by ranks leave out


@dataclass(frozen=True, slots=True)
class Slide:
    """``z`` is its size in standard deviations of no slide, positive upwards; ``phi`` is what it was corrected for.

    ``slope`` is a unit of time, ``first`` and ``last`` the line's values at both ends.
    """

    z: float
    phi: float
    slope: float
    first: float
    last: float


def slide(times: Values, values: Values) -> Slide:
    """The slide of ``values`` at rising whole ``times``, of which some may be missing; at least FEWEST of them."""
    number = len(values)
    early, late = _pairs(number)
    rises = values[late] - values[early]
    slope = float(np.median(rises / (times[late] - times[early])))
    level = float(np.median(values - slope * times))
    phi = _phi(times, values, values - slope * times)
    _, ties = np.unique(values, return_counts=True)
    variance = float((_kendall(number) - _kendall(ties).sum()) / 18)
    score = float(np.sign(rises).sum())
    z = score / math.sqrt(variance * _inflation(number, phi)) if variance > 0 else 0.0
    if not math.isfinite(z):
        z = 0.0
    return Slide(z, phi, slope, level + slope * float(times[0]), level + slope * float(times[-1]))


def limit(points: float, number: int, phi: float) -> float:
    """The |z| that histories of ``number`` points that do not slide pass once in ``points`` new ones, up or down.

    Averaged over the errors of ``phi``, which is estimated from as many points.
    """
    return _limit(points, number, min(math.ceil(phi / _PHI_STEP) * _PHI_STEP, _MOST_PHI))


@lru_cache(maxsize=16384)
def _limit(points: float, number: int, phi: float) -> float:
    often = estimated.phis(float(number), phi, flat=True)
    scales = np.exp(math.atanh(phi) - np.arctanh(estimated.PHIS))  # of the root of (1 + phi) / (1 - phi)
    forgets = _CORNERS / number

    def run(high: float) -> float:
        u = high * scales
        normal = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
        passing = forgets * np.maximum(u, 1.0) * normal * np.exp(-_EDGE * u * math.sqrt(2 * forgets))
        return 1 / max(2 * float((often * passing).sum()), 1e-300)

    low, high = 0.0, _HIGHEST
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if run(middle) < _ROOM * points else (low, middle)
    return high


def _phi(times: Values, values: Values, residuals: Values) -> float:
    """The autocorrelation of neighbours, by ranks, without the bias that a fitted line leaves; never below 0."""
    rounded = np.round((residuals - residuals[0]) / (float(np.ptp(values)) or 1.0), 9)  # a straight line leaves none
    ordered = np.sort(rounded)
    ranks = (np.searchsorted(ordered, rounded) + np.searchsorted(ordered, rounded, "right") - len(ordered)) / 2
    next_to = np.diff(times) < 1.5
    number, power = len(ranks), float((ranks**2).mean())
    if power <= 0 or next_to.sum() < FEWEST // 2:
        return 0.0
    found = float((ranks[1:] * ranks[:-1])[next_to].mean()) / power
    return min(max((number * found + 2) / (number - 4), 0.0), _MOST_PHI)


def _inflation(number: int, phi: float) -> float:
    """How much more the score varies than without autocorrelation."""
    left = number - np.arange(1, number - 2)
    weights = left * (left - 1) * (left - 2)
    powers = phi ** np.arange(1, number - 2)
    return 1 + 2 / (number * (number - 1) * (number - 2)) * float((weights * powers).sum())


def _kendall(number: object) -> Values:
    n = np.asarray(number, np.float64)
    return np.asarray(n * (n - 1) * (2 * n + 5), np.float64)


@lru_cache(maxsize=128)
def _pairs(number: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(number, 1)
