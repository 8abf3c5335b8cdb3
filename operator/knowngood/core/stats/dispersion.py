"""How much more counts differ from window to window than chance alone would make them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def design_effect(windows: ArrayLike) -> float:
    """Pearson's chi-squared of the table (windows × bins) over its degrees of freedom; 1 or more.

    1 says that each window is a multinomial sample of one distribution; 3, that its shares vary three times as much, as
    a mean over all directions: the first-order design effect of Rao and Scott, "The Analysis of Categorical Data from
    Complex Sample Surveys", JASA 76 (1981). Windows of any size may be mixed, empty ones and empty bins count for
    nothing. It tells how far a window strays from the mean of these windows. Neighbours that resemble each other stray
    together, which takes the mean along: under an AR(1) with phi the excess over 1 comes out too small by the factor
    1 - (1 + phi) / (1 - phi) / windows. ``limits.uncertainty`` makes up for that.
    """
    counts = np.asarray(windows, np.float64)
    sizes = counts.sum(axis=1, keepdims=True)
    seen = counts[sizes[:, 0] > 0]
    scatter = (seen * seen / sizes[sizes[:, 0] > 0]).sum(axis=0)
    return design_effect_of(len(seen), counts.sum(axis=0).tolist(), scatter.tolist())


def design_effect_of(windows: int, counts: Sequence[float], scatter: Sequence[float]) -> float:
    """The same from sums over the windows that were not empty, which can be kept up window by window.

    ``counts`` are each bin's sums of c, ``scatter`` its sums of c² / n with the window's size n. Sums of several series
    may be added. For outcomes the bins are the favourable and the other outcomes of each group, n those of all groups.
    """
    total = sum(counts)
    used = [(s, c) for s, c in zip(scatter, counts, strict=True) if c > 0]
    freedom = (windows - 1) * (len(used) - 1)
    if freedom <= 0:
        return 1.0
    return max(1.0, (sum(s * total / c for s, c in used) - total) / freedom)
