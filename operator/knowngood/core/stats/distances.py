"""Distances between two distributions, for many pairs at once.

Counts are arrays of (pairs × bins), samples of (pairs × observations); each function gives one number a pair. Bins that
are empty on both sides count for nothing, so that rows of different length can be padded with zeros. Where a textbook
formula divides by an empty bin the answer is infinite; who needs a finite one adds half an observation to each bin.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
_BLOCK = 64
_TINY = 1e-300  # has a logarithm, and times 0 is 0


def kolmogorov_smirnov(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The largest difference of the distribution functions at the bins' edges (Kolmogorov 1933, Smirnov 1939).

    Of all that were observed, not of all that could be: within a bin the functions may lie further apart.
    """
    found: Numbers = np.abs(_shares_up_to(current) - _shares_up_to(reference)).max(axis=1)
    return found


def wasserstein(current: ArrayLike, reference: ArrayLike, positions: ArrayLike) -> Numbers:
    """The area between the distribution functions: how far mass has to be moved (Vallender 1974), in the values' unit.

    ``positions`` rise; the mass of a bin lies at its position. One row for all pairs, or one a pair.
    """
    gaps = np.diff(np.asarray(positions, np.float64), axis=-1)
    between = np.abs(_shares_up_to(current) - _shares_up_to(reference))[:, :-1]
    found: Numbers = np.einsum("ij,ij->i", between, np.broadcast_to(gaps, between.shape))
    return found


def population_stability(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The population stability index: the sum of (p - q) ln(p / q), Jeffreys' divergence (Jeffreys 1946)."""
    p, q = _shares(current), _shares(reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (p - q) * (np.log(p) - np.log(q))
    found: Numbers = np.where(p == q, 0.0, parts).sum(axis=1)
    return found


def jensen_shannon(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The Jensen-Shannon distance, 0 to 0.833: the root of the divergence in nats (Endres and Schindelin 2003)."""
    p, q = _shares(current), _shares(reference)
    middle = np.maximum((p + q) / 2, _TINY)
    parts = p * np.log(np.maximum(p, _TINY) / middle) + q * np.log(np.maximum(q, _TINY) / middle)
    found: Numbers = np.sqrt(np.maximum(parts.sum(axis=1), 0.0) / 2)
    return found


def chi_squared(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """Pearson's statistic of the table of two rows (Pearson 1900), without a correction for continuity."""
    c, r = np.asarray(current, np.float64), np.asarray(reference, np.float64)
    n, m = c.sum(axis=1, keepdims=True), r.sum(axis=1, keepdims=True)
    both = c + r
    surplus = c * m - r * n
    found: Numbers = (surplus * surplus / np.where(both > 0, both, 1.0)).sum(axis=1) / (n * m)[:, 0]
    return found


def kolmogorov_smirnov_samples(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The same distance between raw samples, over all their values.

    Either function can only be ahead of the other at a value of ``current``, or just before one.
    """

    def distance(x: Numbers, y: Numbers) -> Numbers:
        n, m = x.shape[1], y.shape[1]
        up_to = np.array([np.searchsorted(b, a, "right") for a, b in zip(x, y, strict=True)])
        before = np.array([np.searchsorted(b, a, "left") for a, b in zip(x, y, strict=True)])
        ahead = np.arange(1, n + 1) / n - up_to / m
        behind = before / m - np.arange(n) / n
        found: Numbers = np.maximum(ahead.max(axis=1), behind.max(axis=1))
        return found

    return _sorted_by_blocks(distance, current, reference)


def wasserstein_samples(current: ArrayLike, reference: ArrayLike) -> Numbers:
    """The same distance between raw samples, as the area between their quantile functions.

    Those are steps at multiples of 1/n and 1/m, the same for all pairs.
    """
    n, m = np.shape(current)[1], np.shape(reference)[1]
    steps = np.union1d(np.arange(n) * m, np.arange(m) * n)  # in whole parts of 1/(nm)
    widths = np.diff(steps, append=n * m) / (n * m)

    def distance(x: Numbers, y: Numbers) -> Numbers:
        apart = x - y if n == m else x[:, steps // m] - y[:, steps // n]
        found: Numbers = np.abs(apart) @ widths
        return found

    return _sorted_by_blocks(distance, current, reference)


def _sorted_by_blocks(
    distance: Callable[[Numbers, Numbers], Numbers], current: ArrayLike, reference: ArrayLike
) -> Numbers:
    """``distance`` of the samples in order, over as many pairs at once as stay in the processor's cache."""
    x, y = np.asarray(current, np.float64), np.asarray(reference, np.float64)
    blocks = [slice(at, at + _BLOCK) for at in range(0, len(x), _BLOCK)]
    return np.concatenate([distance(np.sort(x[block], axis=1), np.sort(y[block], axis=1)) for block in blocks])


def _shares(counts: ArrayLike) -> Numbers:
    c = np.asarray(counts, np.float64)
    found: Numbers = c / c.sum(axis=1, keepdims=True)
    return found


def _shares_up_to(counts: ArrayLike) -> Numbers:
    up_to = np.cumsum(np.asarray(counts, np.float64), axis=1)
    return up_to / up_to[:, -1:]
