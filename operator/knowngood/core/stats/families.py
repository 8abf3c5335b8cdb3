"""Several tests at once: what each may risk so that all together risk no more than one."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST = 0.5  # a test that is wrong every other time is none


def window_alpha(every: float, length: float, tests: int = 1) -> float:
    """What one test of a window of ``length`` seconds may risk, for one false alarm of all in ``every`` seconds.

    Bonferroni's share, which holds whatever depends on what.
    """
    return min(_MOST, length / every) / max(1, tests)


def holm(p_values: Floats, alpha: float, tests: int | None = None) -> NDArray[np.bool_]:
    """Which of the hypotheses are rejected, all together at ``alpha`` (Holm, Scand. J. Statistics 6, 1979, 65-70).

    ``tests`` is their number where not all p values are given.
    """
    order = np.argsort(p_values, kind="stable")
    left = (tests or len(p_values)) - np.arange(len(p_values))
    fine = p_values[order] * left >= alpha
    first = int(np.argmax(fine)) if fine.any() else len(p_values)
    rejected = np.zeros(len(p_values), dtype=bool)
    rejected[order[:first]] = True
    return rejected
