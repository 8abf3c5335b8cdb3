"""How far a window's distribution may lie from an estimated one before chance explains it no more.

For many pairs at once. Each limit holds for binned data, since none takes bins for continuous values, and for any way
in which the latent distribution moves between windows: of that only the amount is known, as a design effect, so that
all of it is taken to lie in the direction that hurts most. A mean-preserving spread makes large values likelier, which
is what "at most" below rests on (convex order: Shaked and Shanthikumar, "Stochastic Orders", 2007, 3.A).
"""

from dataclasses import dataclass

import numpy as np

from knowngood.core.stats.distances import Numbers

_LEAST_PHI, _MOST_PHI = 0.5, 0.9  # neighbouring windows are never taken to be less, or more, alike than this


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """For each pair: the rate ``alpha`` of false alarms, the variance of a difference of shares in units of p(1 - p).

    ``chance`` is what two samples of one distribution have, ``variance`` what the worst direction has in all.
    """

    alpha: Numbers
    chance: Numbers
    variance: Numbers

    @property
    def surprise(self) -> Numbers:
        """-ln alpha."""
        return -np.log(self.alpha)

    @property
    def inflation(self) -> Numbers:
        """The variance over that of chance; 1 or more."""
        return self.variance / self.chance


def uncertainty(
    alpha: Numbers,
    size: Numbers,
    pooled: Numbers,
    windows: Numbers,
    design_effect: Numbers,
    bins: Numbers,
    phi: Numbers,
) -> Uncertainty:
    """For a window of ``size`` observations against ``windows`` windows with ``pooled`` in all, in ``bins`` bins.

    What is latent is the design effect's excess over 1 in all directions together, at the mean size of those windows;
    it does not shrink as a window grows. It is estimated. Pearson's statistic has a standard error of the root of
    2 (bins - 1) / windows by chance alone, most of which is added, so that what is hidden by luck is not taken for
    nothing. The bound exp(-x) of a normal tail becomes its mean over the scaled chi-squared that a latent variance's
    estimate is: (1 + x / f)^-f, a Student's tail. ``phi`` is the autocorrelation of windows at lag one: it makes the
    pooled shares less certain, the excess too small, and the windows fewer than they are.
    """
    phi = np.clip(phi, _LEAST_PHI, _MOST_PHI)
    held = np.minimum((1 + phi) / (1 - phi) / windows, 0.5)
    freedom = np.maximum(windows * (1 - phi**2) / (1 + phi**2) - 1, 2.0)
    surprise = -np.log(alpha)
    widened = freedom / 2 * np.expm1(2 * surprise / freedom) / surprise
    dimensions = np.maximum(bins - 1, 1.0)
    excess = np.maximum(design_effect - 1, 0.0) * dimensions / (1 - held) + np.sqrt(dimensions / windows)
    latent = excess * windows / pooled * (1 + held)
    chance = 1 / size + 1 / pooled
    return Uncertainty(alpha, chance, chance + latent * widened)


def kolmogorov_smirnov_limit(known: Uncertainty) -> Numbers:
    """By the inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant (1990).

    It holds for any distribution and number of observations; bins only make the distance smaller.
    """
    found: Numbers = np.sqrt(known.variance / 2 * (known.surprise + np.log(2)))
    return found


def wasserstein_limit(known: Uncertainty, reference: Numbers, positions: Numbers, size: Numbers) -> Numbers:
    """By a chi-squared with the mean of the squared distance or more, and the scale of its tail or more.

    With s the spread sqrt(F(1 - F)) at each step and S the sum of s times the step's width, the squared distance is at
    most S × the sum of width × difference² / s (Cauchy and Schwarz), a sum of squared normals with the mean S² and, by
    the largest row sum, no scale above S × the standard deviation. The last term is Bernstein's, for rare far bins.
    """
    from scipy.special import gammainccinv

    q = reference / reference.sum(axis=1, keepdims=True)
    f = np.cumsum(q, axis=1)[:, :-1]
    spread = (np.sqrt(np.clip(f * (1 - f), 0.0, None)) * np.diff(positions, axis=1)).sum(axis=1)
    middle = (q * positions).sum(axis=1, keepdims=True)
    deviation = np.sqrt((q * (positions - middle) ** 2).sum(axis=1))
    shape = np.where(deviation > 0, spread / np.where(deviation > 0, deviation, 1.0), 1.0)
    square = known.variance * spread * deviation * 2 * gammainccinv(shape / 2, known.alpha)
    found: Numbers = np.sqrt(square) + known.surprise * np.ptp(positions, axis=1) / (3 * size)
    return found


def chi_squared_limit(known: Uncertainty, bins: Numbers, least: Numbers) -> Numbers:
    """Of the sum of (p - q)² / p over ``bins``: the index of population stability, eight times the divergence of
    Jensen and Shannon, and chi-squared over n m / (n + m) are all this sum near p = q.

    A sum of squared normals whose mean is bins - 1 + (inflation - 1) and of which none is scaled by more than the
    inflation is at most a chi-squared of that mean and scale. ``least`` is the least that any bin is expected to hold:
    a count that small has a longer tail than a normal's, by the second term of Bernstein's inequality (1946).
    """
    from scipy.special import gammainccinv

    mean = bins - 1 + known.inflation - 1
    tail = 2 * known.inflation * gammainccinv(mean / known.inflation / 2, known.alpha)
    found: Numbers = known.chance * tail * (1 + np.sqrt(known.surprise * known.inflation / (18 * least))) ** 2
    return found


def least_expected(known: Uncertainty, size: Numbers) -> Numbers:
    """What a bin should be expected to hold for `chi_squared_limit` to be close; an eighth of all is enough."""
    return np.minimum(2 * known.surprise * known.inflation, size / 8)


def count_bounds(known: Uncertainty, expected: Numbers, size: Numbers) -> tuple[Numbers, Numbers]:
    """Between what a bin's count stays, by Bernstein's inequality on either side; it may expect next to nothing."""
    scale = known.variance * size
    surprise = (known.surprise + np.log(2)) * scale
    wide = np.sqrt(2 * expected * surprise)
    return np.maximum(expected - wide, 0.0), np.minimum(expected + wide + surprise / 3, size)
