"""How likely so many events are, when the usual rate and its unrest are themselves only estimated.

Without unrest the number of events in a window, given that and the baseline's, is binomial: the exact conditional
test of two Poisson rates (Przyborowski and Wilenski, Biometrika 31, 1940, 313-323), which is the tail of a negative
binomial, the gamma-Poisson predictive distribution. Unrest multiplies the rate by a lognormal variable of mean one,
whose tail is heavier than that of the gamma that makes a negative binomial. How much unrest there is is an estimate
too: its variance is widened as Student's t widens a normal distribution's, with fewer degrees of freedom where
windows depend on each other or the unrest is skewed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_MOST_PHI = 0.9
_LEAST_FREEDOM = 3.0
_UNEVEN = 1.35  # windows with more exposure weigh more, so that fewer count: for a traffic that varies by a factor of 4
_SKEW = 8.0  # half the excess kurtosis of a lognormal variable, over its squared coefficient of variation
_UNKNOWN, _MOST_WIDENED = 1.0, 5.0
_TINY = 1e-10
_MOST_EVENTS = 1e15  # more are not told apart by their numbers
_REACH = 8.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Usual:
    """Baselines, one an element: sums over ``windows`` windows, their dispersion and autocorrelation."""

    windows: Floats
    hits: Floats
    exposure: Floats
    dispersion: Floats
    phi: Floats


def usual(windows: ArrayLike, hits: ArrayLike, exposure: ArrayLike, dispersion: ArrayLike, phi: ArrayLike) -> Usual:
    """The arrays as they are needed."""
    return Usual(*(np.asarray(a, dtype=np.float64) for a in (windows, hits, exposure, dispersion, phi)))


def tails(hits: ArrayLike, exposure: ArrayLike, base: Usual, alpha: ArrayLike) -> Floats:
    """The chance of at least so many ``hits`` on that ``exposure``, to be held against ``alpha``, and only that.

    1 where they are no more than usual and a Poisson deviation above it, which never are a surprise.
    """
    seen = np.minimum(np.asarray(hits, dtype=np.float64), _MOST_EVENTS)
    chances = np.asarray(exposure, dtype=np.float64)
    p_values = np.ones(seen.shape)
    with np.errstate(over="ignore"):
        expected = chances * (base.hits / base.exposure)
    more = np.flatnonzero(seen > expected + np.sqrt(expected))
    if not len(more):
        return p_values
    part = Usual(*(a[more] for a in (base.windows, base.hits, base.exposure, base.dispersion, base.phi)))
    sigma, inflation = _unrest(part, np.broadcast_to(np.asarray(alpha, dtype=np.float64), seen.shape)[more])
    odds = np.log(chances[more] * inflation / part.exposure)
    p_values[more] = _mixed(seen[more], part.hits / inflation + 1.0, odds, sigma)
    return p_values


def _unrest(base: Usual, alpha: Floats) -> tuple[Floats, Floats]:
    """(standard deviation of the log rate from window to window, how much more the baseline's sum varies)."""
    from scipy import special

    phi = np.clip(base.phi + 1 / np.sqrt(base.windows), 0.0, _MOST_PHI)
    lasting = (1 + phi) / (1 - phi)
    freedom = (base.windows - 1) / _UNEVEN * (1 - phi**2) / (1 + phi**2)
    events = np.maximum(base.hits, 0.5) / base.windows
    above = np.maximum(base.dispersion, 1.0)
    inflation = 1 + (above - 1) * lasting * _UNEVEN
    high = above * (1 + 2 * np.sqrt(2 / freedom))
    skewed = 1 + _SKEW * (high - 1) / events * ((high - 1) / high) ** 2
    freedom = np.maximum(_LEAST_FREEDOM, freedom / skewed)
    students, normal = -special.stdtrit(freedom, alpha), -special.ndtri(alpha)
    widened = np.where(alpha < 0.5, (students / np.where(alpha < 0.5, normal, 1.0)) ** 2, 1.0)
    unseen = 1 - np.minimum((lasting - 1) / (base.windows - 1), 0.5)  # the mean is of the same few windows
    seen = np.maximum(0.0, above / unseen - 1) / events  # unrest, as a squared coefficient of variation
    unsure = above * (widened - 1) / unseen / events
    # few events tell nothing of unrest: then it is taken for moderate, since any could be behind them
    return np.sqrt(np.log1p(seen + np.minimum(unsure, _UNKNOWN + _MOST_WIDENED * seen))), inflation


def _mixed(seen: Floats, size: Floats, odds: Floats, sigma: Floats) -> Floats:
    """P(X >= seen), X negative binomial of that ``size`` whose log odds are normal: E[exp(.)] = exp(``odds``).

    The tail of a negative binomial is the distribution function of a beta variable, so that the chance is an integral
    over where that variable and the log odds both can be; above it is the normal's own tail.
    """
    from scipy import special

    middle = odds - sigma**2 / 2
    spread = np.maximum(sigma, 1e-6)
    low = special.logit(special.betaincinv(seen, size, _TINY))
    high = -special.logit(special.betaincinv(size, seen, _TINY))
    low = np.maximum(low, middle - _REACH * spread)
    high = np.maximum(low, np.minimum(high, middle + _REACH * spread))
    half = (high - low) / 2
    at = ((low + high) / 2)[:, None] + half[:, None] * _NODES
    density = np.exp(-0.5 * ((at - middle[:, None]) / spread[:, None]) ** 2) / (spread[:, None] * np.sqrt(2 * np.pi))
    inner = special.betainc(seen[:, None], size[:, None], special.expit(at))
    mixed = (density * inner * _WEIGHTS).sum(axis=1) * half + special.ndtr((middle - high) / spread)
    plain = special.betainc(seen, size, special.expit(odds))
    return np.asarray(np.clip(np.where(sigma > 1e-4, mixed, plain), 0.0, 1.0), dtype=np.float64)
