"""Limits of control charts whose healthy mean, spread and autocorrelation are estimated, not known.

An error of the estimated mean is a shift that never ends; an error of the estimated spread moves every limit. So the
rate of false alarms is averaged over those errors, and the limit set so that the *average rate over all models* is one
alarm per the run length that was asked for. That is stricter than a mean run length, which lucky baselines dominate.
How estimates change a chart: Jones, Champ and Rigdon, "The run length distribution of the CUSUM with estimated
parameters", Journal of Quality Technology 36 (2004). Run lengths within the average: Siegmund, "Sequential Analysis"
(1985), 2.4.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowngood.core.stats import runlength

Values = NDArray[np.float64]

_OVERSHOOT = 1.166  # of a normal step over both edges of a CUSUM, in standard deviations (Siegmund)
_REFERENCES = (0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.5)  # of k, in smallest shifts; 0.5 is best at that shift only
_LONGEST = 1e6  # a limit of h that no data reaches
# Of phi's variance beyond the large-sample one: measured, so that AR(1) of phi = 0.5 keeps what was asked at 20 to 500
# windows, by CUSUM and EWMA, for run lengths of 500 and 5,000.
_SHORT = 200.0
_PHIS = np.linspace(0.0, 0.95, 77)
_MANY = 100_000  # windows of which a baseline counts as known


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of standardised residuals: ``k`` is the reference of a CUSUM, or the weight of an EWMA."""

    k: float
    limit: float


@lru_cache(maxsize=4096)
def cusum(arl: float, shift: float, windows: float, phi: float) -> Chart:
    """One side of a CUSUM that runs for ``arl`` windows, quick at ``shift`` (in residuals' deviations) and twice it.

    Of several references the one with the shortest delays is taken: the less is known of the mean, the higher it is.
    """
    k = _REFERENCES[0] * shift
    limit = runlength.cusum_limit(k, arl) if windows >= _MANY else 0.0
    if limit:
        return Chart(k, limit)
    least = math.inf
    for factor in _REFERENCES:
        tried = _averaged_limit(factor * shift, arl, windows, phi)
        delay = 2 * math.log(_siegmund((factor - 1) * shift, tried)) + math.log(_siegmund((factor - 2) * shift, tried))
        if delay > least:
            break
        k, limit, least = factor * shift, tried, delay
    return Chart(k, limit + runlength.cusum_limit(k, arl) - _averaged_limit(k, arl, math.inf, phi))


@lru_cache(maxsize=4096)
def ewma(arl: float, shift: float, windows: float, phi: float) -> Chart:
    """A two-sided EWMA that runs for ``arl`` windows; its weight is near the best for ``shift``."""
    weight = _weight(arl, shift)
    known = runlength.ewma_limit(weight, arl)
    if windows >= _MANY:
        return Chart(weight, known)
    shifts, scales, shares = errors(windows, phi)
    shifts = shifts / runlength.ewma_sd(weight)
    squares, logs = _ewma_table(weight)

    def rate(limit: float) -> float:
        here = np.maximum(limit * scales - shifts, 0.0) ** 2
        beyond = (logs[-1] - logs[-2]) / (squares[-1] - squares[-2]) * np.maximum(here - squares[-1], 0.0)
        return float((shares * np.exp(-np.interp(here, squares, logs) - beyond)).sum())

    return Chart(weight, runlength.limit_of(lambda limit: 1 / rate(limit), arl, known, _LONGEST))


def _weight(arl: float, shift: float) -> float:
    """A fit of the best weights of Lucas and Saccucci at a run length of 500, in steps; longer runs want less."""
    wanted = 0.14 * shift**1.4 * math.log(500) / math.log(max(arl, 20.0))
    return min(1.0, max(0.02, 1.25 ** round(math.log(wanted, 1.25))))


@lru_cache(maxsize=64)
def _ewma_table(weight: float) -> tuple[Values, Values]:
    """Squares of limits, and the logarithms of the run lengths that they give: nearly straight."""
    limits = np.arange(0.0, 5.6, 0.5)
    return limits**2, np.array([math.log(runlength.ewma_arl(weight, float(x))) for x in limits])


def _averaged_limit(k: float, arl: float, windows: float, phi: float) -> float:
    shifts, scales, shares = errors(windows, phi)
    return runlength.limit_of(
        lambda h: 1 / float((shares / _siegmund(k * scales - shifts, h * scales)).sum()), arl, 10.0, _LONGEST
    )


@lru_cache(maxsize=1024)
def errors(windows: float, phi: float) -> tuple[Values, Values, Values]:
    """A grid of errors of the mean, factors of the long-run deviation, and how often each happens.

    The long-run deviation of an AR(1) is s/(1 - phi), with s that of its residuals; the errors of the mean (in that
    deviation), of s and of phi are independent. ``phi`` was estimated; what it may truly be follows from the likelihood
    of that estimate, with no value preferred beforehand.
    """
    if math.isinf(windows):
        return np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1))
    steps = np.linspace(-6, 6, 49)
    normal = np.exp(-(steps**2) / 2) / np.exp(-(steps**2) / 2).sum()
    error_of_phi = (1 - _PHIS**2) / windows * (1 + _SHORT / windows)
    likely = np.exp(-((_PHIS - phi) ** 2) / (2 * error_of_phi)) / np.sqrt(error_of_phi)
    logs = np.subtract.outer(math.atanh(phi) - np.arctanh(_PHIS), steps / math.sqrt(2 * windows)).ravel()
    often, edges = np.histogram(logs, bins=41, weights=np.outer(likely / likely.sum(), normal).ravel())
    return (
        steps[:, None] / math.sqrt(windows),
        np.exp((edges[1:] + edges[:-1]) / 2)[None, :],
        np.outer(normal, often),
    )


def _siegmund(drift: Values | float, limit: Values | float) -> Values:
    """The run length of a CUSUM with a mean step of -``drift``."""
    twice = 2 * np.asarray(drift) * (np.asarray(limit) + _OVERSHOOT)
    exact = np.expm1(np.minimum(twice, 600.0)) - twice
    flat = np.abs(twice) < 1e-3
    safe = np.where(flat, 1.0, twice)
    found: Values = (np.asarray(limit) + _OVERSHOOT) ** 2 * np.where(flat, 1 + twice / 3, 2 * exact / safe**2)
    return found
