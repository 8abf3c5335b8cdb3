"""Tests that may be looked at as often as one likes.

An e-value is at most 1 on average where nothing is wrong, at whatever moment one looks, so that 1/alpha is passed
with a probability of at most alpha in all of time (Ville's inequality; Lindon, Sanden and Shirikian, "Rapid
Regression Detection in Software Deployments through Sequential Testing", arXiv 2205.14762). Begun anew at every
moment and added up, the sum is as large as A after A moments on average, not before (Shiryaev and Roberts; Shin,
Ramdas and Rinaldo, "E-detectors", arXiv 2203.03532).
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_GOLDEN = (np.sqrt(5) - 1) / 2
_STEPS = 60


def log_e_below(
    hits: ArrayLike, total: ArrayLike, other_hits: ArrayLike, other_total: ArrayLike, less: float = 0.0
) -> Floats:
    """Logarithms of e-values against "the first share is at least the other less ``less``", of all seen so far.

    Both likelihoods are mixed over Beta(1/2, 1/2) (Robbins, Ann. Math. Stat. 41, 1970, 1397-1409) and divided by the
    largest that the hypothesis allows: the sums alone decide, and no look before leaves a trace.
    """
    x, n, y, m = (np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in (hits, total, other_hits, other_total))
    x, n, y, m = (np.asarray(a, dtype=np.float64) for a in np.broadcast_arrays(x, n, y, m))
    return _mixture(x, n) + _mixture(y, m) - _best(x, n, y, m, less)


def _mixture(hits: Floats, total: Floats) -> Floats:
    from scipy import special

    found: Floats = special.betaln(hits + 0.5, total - hits + 0.5) - math.log(math.pi)
    return found


def _likelihood(hits: Floats, total: Floats, share: Floats) -> Floats:
    from scipy import special

    found: Floats = special.xlogy(hits, share) + special.xlog1py(total - hits, -share)
    return found


def _best(x: Floats, n: Floats, y: Floats, m: Floats, less: float) -> Floats:
    """The largest log likelihood with the first share at least the other less ``less``."""
    first, other = x / np.maximum(n, 1), y / np.maximum(m, 1)
    free = _likelihood(x, n, first) + _likelihood(y, m, other)
    if less >= 1:
        return free
    less = max(less, -1.0)
    low = np.clip(first + less, max(less, 0.0), 1 + min(less, 0.0))
    high = np.clip(other, low, 1 + min(less, 0.0))

    def edge(at: Floats) -> Floats:
        return _likelihood(x, n, np.clip(at - less, 0.0, 1.0)) + _likelihood(y, m, at)

    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        rising = edge(left) < edge(right)
        low, high = np.where(rising, left, low), np.where(rising, high, right)
    return np.where(first >= other - less, free, edge((low + high) / 2))


def radius(error: float, count: float, alpha: float, typical: float = 1_000.0) -> float:
    """Half the width of a confidence sequence for a mean with that standard ``error`` after ``count`` observations.

    Robbins' normal mixture, tightest near ``typical`` observations, for estimates that are normal in the end
    (Waudby-Smith and others, "Time-uniform central limit theory", arXiv 2103.06476): one-sided at ``alpha``.
    """
    rate = count * (2 * math.log(1 / alpha) + 1) / typical
    return error * math.sqrt((1 + 1 / rate) * math.log((rate + 1) / (2 * alpha) ** 2))


def restarted(logs: ArrayLike, gains: ArrayLike) -> Floats:
    """Logarithms of the sums of e-processes begun at every moment up to now; ``gains`` are this moment's."""
    found: Floats = np.logaddexp(np.asarray(logs, dtype=np.float64), 0.0) + np.asarray(gains, dtype=np.float64)
    return found
