"""Distances between two distributions, for many pairs at once.

Counts are arrays of (pairs × bins), samples of (pairs × observations); each function gives one number a pair. Bins that
are empty on both sides count for nothing, so that rows of different length can be padded with zeros. Where a textbook
formula divides by an empty bin the answer is infinite; who needs a finite one adds half an observation to each bin.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


def kolmogorov_smirnov(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The largest difference of the distribution functions at the bins' edges (Kolmogorov 1933, Smirnov 1939).

    Of all that were observed, not of all that could be: within a bin the functions may lie further apart.
    """
    return np.abs(_shares_up_to(current) - _shares_up_to(reference)).max(axis=1)


def wasserstein(current: ArrayLike, reference: ArrayLike, positions: ArrayLike) -> Numbers:
    """The area between the distribution functions: how far mass has to be moved (Vallender 1974), in the values' unit.

    ``positions`` rise; the mass of a bin lies at its position. One row for all pairs, or one a pair.
    """
    gaps = np.diff(np.asarray(positions, float), axis=-1)
    between = np.abs(_shares_up_to(current) - _shares_up_to(reference))[:, :-1]
    return np.einsum("ij,ij->i", between, np.broadcast_to(gaps, between.shape))


def population_stability(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The population stability index: the sum of (p - q) ln(p / q), Jeffreys' divergence (Jeffreys 1946)."""
    p, q = _shares(current), _shares(reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (p - q) * (np.log(p) - np.log(q))
    return np.where(p == q, 0.0, parts).sum(axis=1)


def jensen_shannon(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The Jensen-Shannon distance, 0 to 0.833: the root of the divergence in nats (Endres and Schindelin 2003)."""
    p, q = _shares(current), _shares(reference)
    middle = (p + q) / 2
    twice = (_relative(p, middle) + _relative(q, middle)).sum(axis=1)
    return np.sqrt(np.maximum(twice, 0.0) / 2)


def chi_squared(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """Pearson's statistic of the table of two rows (Pearson 1900), without a correction for continuity."""
    c, r = np.asarray(current, float), np.asarray(reference, float)
    n, m = c.sum(axis=1, keepdims=True), r.sum(axis=1, keepdims=True)
    both = c + r
    surplus = c * m - r * n
    return (surplus * surplus / np.where(both > 0, both, 1.0)).sum(axis=1) / (n * m)[:, 0]


def kolmogorov_smirnov_samples(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The same distance between raw samples, over all their values.

    Either function can only be ahead of the other at a value of ``current``, or just before one.
    """
    x, y = np.sort(np.asarray(current, float), axis=1), np.sort(np.asarray(reference, float), axis=1)
    n, m = x.shape[1], y.shape[1]
    up_to = np.array([np.searchsorted(b, a, "right") for a, b in zip(x, y, strict=True)])
    before = np.array([np.searchsorted(b, a, "left") for a, b in zip(x, y, strict=True)])
    ahead = np.arange(1, n + 1) / n - up_to / m
    behind = before / m - np.arange(n) / n
    return np.maximum(ahead.max(axis=1), behind.max(axis=1))


def wasserstein_samples(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The same distance between raw samples, as the area between their quantile functions.

    Those are steps at multiples of 1/n and 1/m, the same for all pairs.
    """
    x, y = np.sort(np.asarray(current, float), axis=1), np.sort(np.asarray(reference, float), axis=1)
    n, m = x.shape[1], y.shape[1]
    if n == m:
        return np.abs(x - y).mean(axis=1)
    steps = np.union1d(np.arange(n) * m, np.arange(m) * n)  # in whole parts of 1/(nm)
    widths = np.diff(steps, append=n * m) / (n * m)
    return np.abs(x[:, steps // m] - y[:, steps // n]) @ widths


def _shares(counts: ArrayLike) -> Numbers:
    c = np.asarray(counts, float)
    return c / c.sum(axis=1, keepdims=True)


def _shares_up_to(counts: ArrayLike) -> Numbers:
    up_to = np.cumsum(np.asarray(counts, float), axis=1)
    return up_to / up_to[:, -1:]


def _relative(p: Numbers, q: Numbers) -> Numbers:
    """p ln(p / q), 0 where p is."""
    return p * np.log(np.where(p > 0, p, 1.0) / np.where(p > 0, q, 1.0))
