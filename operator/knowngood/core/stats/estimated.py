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
from scipy.special import ndtr

from knowngood.core.stats import runlength

Values = NDArray[np.float64]

_OVERSHOOT = 1.166  # of a normal step over both edges of a CUSUM, in standard deviations (Siegmund)
_REFERENCES = (0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.5)  # of k, in smallest shifts; 0.5 is best at that shift only
_LONGEST = 1e6  # a limit of h that no data reaches
_FEWER = 6.0  # windows: few tell less of phi than Bartlett's variance says
PHIS = np.linspace(0.0, 0.98, 99)
_MANY = 100_000  # windows of which a baseline counts as known
_PARTS = (0.5, 0.3, 0.2)  # of the alarms: for the CUSUM of small shifts, the one of large shifts, single windows
_LARGE = 7 / 3  # references of the latter over the former's: with both, no shift of 1 to 4 takes 1.15 x the optimum
_LOG_STEP, _OFTEN_ALIKE = 0.7, 1.2
_LONG = 0.4  # references below it have limits of many states
_STEPS = np.linspace(-6, 6, 49)
_NORMAL = np.exp(-(_STEPS**2) / 2) / np.exp(-(_STEPS**2) / 2).sum()


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of standardised residuals: ``references`` of CUSUMs, or the weight of an EWMA, and their ``limits``.

    One residual past ``alone`` is an alarm by itself.
    """

    references: tuple[float, ...]
    limits: tuple[float, ...]
    alone: float = math.inf


@lru_cache(maxsize=4096)
def cusum(arl: float, shift: float, windows: float, phi: float) -> Chart:
    """One side of a CUSUM that runs for ``arl`` windows, quick at ``shift`` (in residuals' deviations) and above.

    A CUSUM is quick near the shift of twice its reference, and slow at larger ones. So there are two, and a limit for
    single windows, which share the alarms (Lucas, "Combined Shewhart-CUSUM quality control schemes", Journal of Quality
    Technology 14, 1982; Zhao, Tsung and Wang, "Dual CUSUM control schemes for detecting a range of mean shifts", IIE
    Transactions 37, 2005). Of several references the one with the shortest delays is taken: the less is known of the
    mean, the higher it is.
    """
    k = _REFERENCES[0] * shift
    if windows < _MANY:
        k = _reference(arl / _PARTS[0], shift, windows, phi)
    references = (k, _LARGE * k)
    runs = _runs(arl, references)
    limits = tuple(map(_known_limit, references, runs))
    if windows >= _MANY:
        return Chart(references, limits, runlength.shewhart_limit(runs[2]))
    wider = tuple(
        limit + _averaged_limit(k, run, windows, phi) - _averaged_limit(k, run, math.inf, phi)
        for k, limit, run in zip(references, limits, runs, strict=False)
    )
    return Chart(references, wider, _alone(runs[2], windows))


def _reference(arl: float, shift: float, windows: float, phi: float) -> float:
    found, least = 0.0, math.inf
    for factor in _REFERENCES:
        limit = _averaged_limit(factor * shift, arl, windows, phi)
        delay = 2 * math.log(_siegmund((factor - 1) * shift, limit)) + math.log(_siegmund((factor - 2) * shift, limit))
        if delay > least:
            break
        found, least = factor * shift, delay
    return found


def _runs(arl: float, references: runlength.Pair) -> tuple[float, float, float]:
    """How long both CUSUMs and the limit of single windows run by themselves, if together they run for ``arl``."""
    at = math.log(arl) / _LOG_STEP
    below = math.floor(at)
    alike = (below + 1 - at) * _alike(below, references) + (at - below) * _alike(below + 1, references)
    first, second, third = (arl / alike / part for part in _PARTS)
    return first, second, third


@lru_cache(maxsize=4096)
def _alike(step: int, references: runlength.Pair) -> float:
    """How much longer they run because what several of them say at once is one alarm, at a run length in steps."""
    found, arl = _OFTEN_ALIKE, math.exp(step * _LOG_STEP)
    for _ in range(2):
        first, second, third = (arl / found / part for part in _PARTS)
        limits = _known_limit(references[0], first), _known_limit(references[1], second)
        found = runlength.overlap(references, limits, runlength.shewhart_limit(third))
    return found


@lru_cache(maxsize=4096)
def _alone(arl: float, windows: float) -> float:
    """What one residual passes once in ``arl``, averaged over the errors of its mean and deviation.

    What an error of phi leaves of the window before makes residuals vary more: by its square over 1 - phi².
    """
    freedom = max(windows - _FEWER, 1.0)
    logs = np.subtract.outer(_STEPS / math.sqrt(2 * freedom), np.log1p(_STEPS**2 / freedom) / 2).ravel()
    often, edges = np.histogram(logs, bins=61, weights=np.outer(_NORMAL, _NORMAL).ravel())
    scales = np.exp((edges[1:] + edges[:-1]) / 2)[None, :]
    shifts, shares = _STEPS[:, None] / math.sqrt(windows), np.outer(_NORMAL, often)
    return runlength.limit_of(
        lambda limit: 1 / float((shares * ndtr(shifts - limit * scales)).sum()), arl, 3.0, _LONGEST
    )


@lru_cache(maxsize=4096)
def ewma(arl: float, shift: float, windows: float, phi: float) -> Chart:
    """A two-sided EWMA that runs for ``arl`` windows; its weight is near the best for ``shift``."""
    weight = _weight(arl, shift)
    known = runlength.ewma_limit(weight, arl)
    if windows >= _MANY:
        return Chart((weight,), (known,))
    shifts, scales, shares = errors(windows, phi)
    shifts = shifts / runlength.ewma_sd(weight)
    squares, logs = _ewma_table(weight)

    def rate(limit: float) -> float:
        here = np.maximum(limit * scales - shifts, 0.0) ** 2
        beyond = (logs[-1] - logs[-2]) / (squares[-1] - squares[-2]) * np.maximum(here - squares[-1], 0.0)
        return float((shares * np.exp(-np.interp(here, squares, logs) - beyond)).sum())

    return Chart((weight,), (runlength.limit_of(lambda limit: 1 / rate(limit), arl, known, _LONGEST),))


def _weight(arl: float, shift: float) -> float:
    """A fit of the best weights of Lucas and Saccucci at a run length of 500, in steps; longer runs want less."""
    wanted = 0.14 * shift**1.4 * math.log(500) / math.log(max(arl, 20.0))
    return min(1.0, max(0.02, 1.25 ** round(math.log(wanted, 1.25))))


@lru_cache(maxsize=64)
def _ewma_table(weight: float) -> tuple[Values, Values]:
    """Squares of limits, and the logarithms of the run lengths that they give: nearly straight."""
    limits = np.arange(0.0, 5.6, 0.5)
    return limits**2, np.array([math.log(runlength.ewma_arl(weight, float(x))) for x in limits])


def _known_limit(k: float, arl: float) -> float:
    """Of a CUSUM whose parameters are known; for long ones Siegmund's approximation is as good, and quick."""
    return runlength.cusum_limit(k, arl) if k >= _LONG else _averaged_limit(k, arl, math.inf, 0.0)


def _averaged_limit(k: float, arl: float, windows: float, phi: float) -> float:
    shifts, scales, shares = errors(windows, phi)
    return runlength.limit_of(
        lambda h: 1 / float((shares / _siegmund(k * scales - shifts, h * scales)).sum()), arl, 10.0, _LONGEST
    )


@lru_cache(maxsize=1024)
def errors(windows: float, phi: float) -> tuple[Values, Values, Values]:
    """A grid of errors of the mean, factors of the long-run deviation, and how often each happens.

    The long-run deviation of an AR(1) is s/(1 - phi), with s that of its residuals; the errors of the mean (in that
    deviation), of s and of phi are independent.
    """
    if math.isinf(windows):
        return np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1))
    logs = np.subtract.outer(np.log1p(-PHIS) - math.log1p(-phi), _STEPS / math.sqrt(2 * windows)).ravel()
    often, edges = np.histogram(logs, bins=61, weights=np.outer(phis(windows, phi), _NORMAL).ravel())
    return (
        _STEPS[:, None] / math.sqrt(windows),
        np.exp((edges[1:] + edges[:-1]) / 2)[None, :],
        np.outer(_NORMAL, often),
    )


@lru_cache(maxsize=1024)
def phis(windows: float, phi: float, flat: bool = False) -> Values:
    """How likely each of PHIS is the true autocorrelation, where ``phi`` is its estimate (0: or less) without bias.

    By the likelihood of that estimate, whose variance is (1 - phi²) / windows (Bartlett 1946), and, unless ``flat``,
    beforehand the less likely the nearer to 1: limits for windows that hardly differ from their neighbours would find
    nothing else.
    """
    error = np.sqrt((1 - PHIS**2) / windows) * windows / max(windows - _FEWER, 1.0)
    away = (phi - PHIS) / error
    likely = np.exp(-(away**2) / 2) / error if phi > 0 else ndtr(away)
    likely = likely if flat else likely * (1 - PHIS)
    found: Values = likely / likely.sum()
    return found


def _siegmund(drift: Values | float, limit: Values | float) -> Values:
    """The run length of a CUSUM with a mean step of -``drift``."""
    twice = 2 * np.asarray(drift) * (np.asarray(limit) + _OVERSHOOT)
    exact = np.expm1(np.minimum(twice, 600.0)) - twice
    flat = np.abs(twice) < 1e-3
    safe = np.where(flat, 1.0, twice)
    found: Values = (np.asarray(limit) + _OVERSHOOT) ** 2 * np.where(flat, 1 + twice / 3, 2 * exact / safe**2)
    return found
