"""Which of two binned samples tends to larger values (Mann and Whitney, Ann. Math. Stat. 18, 1947, 50-60).

Observations of one bin are ties. Rows are compared with rows, all at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Superiority:
    """How often an observation of the first is larger than one of the other, ties counted half.

    ``error`` is the standard error of that ``share`` (DeLong and others, Biometrics 44, 1988, 837-845); ``z`` is the
    rank sum in standard deviations of its distribution where both are alike, corrected for ties, 0 where all are tied.
    """

    share: Floats
    error: Floats
    z: Floats


def superiority(first: ArrayLike, other: ArrayLike) -> Superiority:
    """Compare counts by bin, the last axis; both are over the same edges, and neither is empty."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(other, dtype=np.float64)
    n, m = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    larger = (np.cumsum(b, axis=-1) - b / 2) / m  # of the other's, how many are below each bin of the first
    smaller = 1 - (np.cumsum(a, axis=-1) - a / 2) / n
    share = (a * larger).sum(axis=-1) / n[..., 0]
    error = np.sqrt(_variance(a, larger, n) + _variance(b, smaller, m))
    both, whole = a + b, (n + m)[..., 0]
    ties = (both**3 - both).sum(axis=-1) / np.maximum(whole * (whole - 1), 1)
    spread = np.sqrt(np.maximum(whole + 1 - ties, 0) / 12 / (n * m)[..., 0])
    z = np.where(spread > 0, (share - 0.5) / np.where(spread > 0, spread, 1), 0.0)
    return Superiority(share, error, z)


def _variance(counts: Floats, placed: Floats, size: Floats) -> Floats:
    mean = (counts * placed).sum(axis=-1, keepdims=True) / size
    squares = (counts * (placed - mean) ** 2).sum(axis=-1)
    found: Floats = squares / np.maximum(size[..., 0] - 1, 1) / size[..., 0]
    return found
