"""How long a control chart runs until it alarms, and the limit for a run length that was asked for.

Charts of independent normal observations with variance 1, healthy at mean 0. CUSUM by Brook and Evans, "An approach to
the probability distribution of cusum run length", Biometrika 59 (1972); EWMA by Lucas and Saccucci, "Exponentially
weighted moving average control schemes", Technometrics 32 (1990). Both make a Markov chain of the chart's statistic.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Matrix = NDArray[np.float64]
Pair = tuple[float, float]

_FEWEST_STATES, _MOST_STATES = 60, 600
_CUSUM_STATE, _EWMA_STATE = 0.15, 0.06  # widths, in standard deviations of a step; finer changes less than 0.2 %
_PAIR_STATES = (20, 12)
_CLOSE = 1e-5
_STEPS = 80


@lru_cache(maxsize=4096)
def cusum_arl(k: float, h: float, shift: float = 0.0, sides: int = 1) -> float:
    """Mean observations until S = max(0, S + x - ``k``), begun at 0, passes ``h``; x has the mean ``shift``.

    With two sides the run ends at the first alarm of either, the other one watching -x.
    """
    one = _cusum_one(k, h, shift)
    return one if sides == 1 else 1 / (1 / one + 1 / _cusum_one(k, h, -shift))


@lru_cache(maxsize=4096)
def cusum_limit(k: float, arl: float, sides: int = 1) -> float:
    """The ``h`` at which a healthy CUSUM runs for ``arl`` observations; 0 where less would do."""
    return limit_of(lambda h: cusum_arl(k, h, 0.0, sides), arl, start=math.log(max(arl, 2.0)) / (2 * k))


@lru_cache(maxsize=4096)
def pair_arl(references: Pair, limits: Pair, alone: float, shift: float = 0.0) -> float:
    """Mean observations until one of two CUSUMs of the same observations ends, or one is past ``alone``.

    A chain of both sums together; its states are few, so that it is near, and `overlap` nearer.
    """
    (low, high), (other_low, other_high) = (_moves(*of) for of in zip(references, limits, _PAIR_STATES, strict=True))
    upper = np.minimum(np.minimum(high[:, None, :, None], other_high[None, :, None, :]), alone)
    lower = np.maximum(low[:, None, :, None], other_low[None, :, None, :])
    moves = np.maximum(ndtr(upper - shift) - ndtr(lower - shift), 0.0)
    states = len(low) * len(other_low)
    return float(_absorption(moves.reshape(states, states))[0])


@lru_cache(maxsize=4096)
def overlap(references: Pair, limits: Pair, alone: float) -> float:
    """How much longer healthy charts run together than if no two of them ever ended at once; 1 or more."""
    rates = float(ndtr(-alone))
    for k, h, states in zip(references, limits, _PAIR_STATES, strict=True):
        low, high = _moves(k, h, states)
        rates += 1 / float(_absorption(ndtr(high) - ndtr(low))[0])
    return pair_arl(references, limits, alone) * rates


@lru_cache(maxsize=4096)
def shewhart_limit(arl: float) -> float:
    """What one healthy observation passes, to one side, once in ``arl``."""
    return float(-ndtri(1 / arl))


@lru_cache(maxsize=4096)
def ewma_arl(weight: float, limit: float, shift: float = 0.0) -> float:
    """Mean observations until the EWMA with the ``weight`` (over 0, up to 1) of the newest leaves ±``limit``.

    ``limit`` is in standard deviations of the EWMA in the long run; it begins at 0.
    """
    edge = max(limit, _CLOSE) * ewma_sd(weight)
    half = _states(2 * edge / weight / _EWMA_STATE) // 2
    width = 2 * edge / (2 * half + 1)
    centres = np.arange(-half, half + 1) * width
    begun = centres[half:] if shift == 0 else centres  # a healthy chart is the same on both sides: half will do
    upper = (centres[None, :] + width / 2 - (1 - weight) * begun[:, None]) / weight - shift
    moves = ndtr(upper) - ndtr(upper - width / weight)
    if shift:
        return float(_absorption(moves)[half])
    folded = moves[:, half:].copy()
    folded[:, 1:] += moves[:, :half][:, ::-1]
    return float(_absorption(folded)[0])


@lru_cache(maxsize=4096)
def ewma_limit(weight: float, arl: float) -> float:
    """The limit at which a healthy two-sided EWMA runs for ``arl`` observations."""
    return limit_of(lambda limit: ewma_arl(weight, limit), arl, start=3.0)


def ewma_sd(weight: float) -> float:
    """The standard deviation of the EWMA in the long run."""
    return math.sqrt(weight / (2 - weight))


def _cusum_one(k: float, h: float, shift: float) -> float:
    if h <= 0:
        return 1 / float(ndtr(shift - k))
    low, high = _moves(k, h, _states(h / _CUSUM_STATE))
    return float(_absorption(ndtr(high - shift) - ndtr(low - shift))[0])


def _moves(k: float, h: float, number: int) -> tuple[Matrix, Matrix]:
    """Between which observations a CUSUM goes from each of ``number`` states (rows) to each."""
    width = 2 * max(h, _CLOSE) / (2 * number - 1)
    centres = np.arange(number) * width
    high = centres[None, :] - centres[:, None] + width / 2 + k
    low = high - width
    low[:, 0] = -math.inf
    return low, high


def _states(wanted: float) -> int:
    return int(min(max(wanted, _FEWEST_STATES), _MOST_STATES))


def _absorption(moves: Matrix) -> Matrix:
    """Mean steps until a chain with these transient ``moves`` ends, by its state at the start."""
    number = len(moves)
    return np.asarray(np.linalg.solve(np.eye(number) - moves, np.ones(number)), np.float64)


def limit_of(arl_of: Callable[[float], float], arl: float, start: float, most: float = math.inf) -> float:
    """The limit at which the rising ``arl_of`` is ``arl``, 0 where less would do, at most ``most``.

    Regula falsi (Illinois) on the logarithm of the run length, which is nearly straight.
    """
    goal = math.log(arl)
    low, below = 0.0, math.log(arl_of(0.0)) - goal
    if below >= 0:
        return 0.0
    high = start
    while (above := math.log(arl_of(high)) - goal) < 0:
        if high > most:
            return most
        low, below, high = high, above, high * 1.5
    for _ in range(_STEPS):
        guess = low - below * (high - low) / (above - below)
        here = math.log(arl_of(guess)) - goal
        if abs(here) < _CLOSE:
            return guess
        if here < 0:
            low, below, above = guess, here, above / 2
        else:
            high, above, below = guess, here, below / 2
    return high
