"""The control charts of `change`: which limits follow from `falseAlarmEvery`, and how a chart moves by one window."""

import math
from dataclasses import dataclass
from functools import lru_cache

from scipy.special import gammainccinv, ndtr

from knowngood.api.detectors import ChangeDetector, ChangeMethod, Direction
from knowngood.api.durations import seconds
from knowngood.core.detectors.standard import Healthy
from knowngood.core.stats import estimated
from knowngood.core.stats.runlength import ewma_sd

_LEAST_RUN = 20.0  # windows; a dial below that asks for more alarms than a chart can have
_LEAST_CLIP = 4.0  # standard deviations of one residual, beyond which it is no noise of a normal value
_SKEW_STEP = 0.05
_RELEASE = 0.5  # of the limit: a chart that has alarmed is quiet again below it


Sums = tuple[float, ...]
"""How far each chart of one side is; empty: at its beginning."""


_NONE = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of both sides, and which are ``watched`` (up, down).

    ``references`` are of CUSUMs, for small shifts and for large ones, or the weight of one EWMA; ``up`` and ``down``
    are each side's limits. To the first chart one residual counts at most ``clip``, so that a freak window is no
    lasting shift. A large shift shows in few windows, and past ``alone`` (up, down) in one: where healthy windows have
    heavy tails, residuals are for that ``blunted`` times as small.
    """

    ewma: bool
    references: tuple[float, ...]
    up: Sums
    down: Sums
    watched: tuple[bool, bool]
    clip: float
    alone: tuple[float, float]
    blunted: float = 1.0

    def clipped(self, residual: float) -> float:
        """As much of it as counts."""
        return min(max(residual, -self.clip), self.clip)

    def moved(self, up: Sums, down: Sums, residual: float) -> tuple[Sums, Sums]:
        """How far up and down, one window later; bounded by the limits, so that good data ends an alarm."""
        if self.ewma:
            mean = (1 - self.references[0]) * sum(up) + self.references[0] * self.clipped(residual)
            mean = min(max(mean, -self.down[0]), self.up[0])
            return (mean,), (-mean,)
        return self._summed(up, self.up, self.alone[0], residual), self._summed(
            down, self.down, self.alone[1], -residual
        )

    def _summed(self, sums: Sums, limits: Sums, alone: float, residual: float) -> Sums:
        (small, large), (k, other_k), (most, other_most) = sums or _NONE, self.references, limits
        small = min(max(small + self.clipped(residual) - k, 0.0), most)
        sharp = residual / self.blunted
        large = other_most if sharp > alone else min(max(large + sharp - other_k, 0.0), other_most)
        return small, large

    def side(self, up: Sums, down: Sums, before: int) -> int:
        """1 where it has shifted up, -1 down, 0 neither; ``before`` is left only at half the limits."""
        for way, watched, sums, limits in ((1, self.watched[0], up, self.up), (-1, self.watched[1], down, self.down)):
            share = _RELEASE if before == way else 1.0
            if watched and any(total >= share * limit for total, limit in zip(sums, limits, strict=True)):
                return way
        return 0


def windows_asked(false_alarm_every: str, window: float) -> float:
    """`falseAlarmEvery` in windows of ``window`` seconds; never fewer than a chart can keep."""
    return max(seconds(false_alarm_every) / window, _LEAST_RUN)


def charts(settings: ChangeDetector, asked: float, segments: int, known: Healthy) -> Charts:
    """The charts that alarm together once in ``asked`` windows for all ``segments``."""
    return _charts(
        settings.method,
        settings.direction,
        settings.smallest_shift_sigmas,
        asked * segments,
        known.windows,
        known.design_phi,
        math.copysign(math.ceil(abs(known.skew) / _SKEW_STEP) * _SKEW_STEP, known.skew),
        known.kurtosis,
    )


@lru_cache(maxsize=8192)
def _charts(
    method: ChangeMethod,
    direction: Direction,
    shift: float,
    run: float,
    windows: float,
    phi: float,
    skew: float,
    kurtosis: float,
) -> Charts:
    """``kurtosis`` by the term of Cornish and Fisher, "Moments and cumulants in the specification of distributions",
    Revue de l'Institut International de Statistique 5 (1938), as if all of it lay beyond the limit of single windows.
    """
    residual_shift = shift * math.sqrt((1 - phi) / (1 + phi))
    watched = direction is not Direction.DOWN, direction is not Direction.UP
    up: tuple[float, ...]
    down: tuple[float, ...]
    if method is ChangeMethod.EWMA:
        # Each side of a two-sided chart alarms half as often as both.
        chart = estimated.ewma(run if all(watched) else run / 2, residual_shift, windows, phi)
        (weight,), (limit,) = chart.references, chart.limits
        unit = ewma_sd(weight)
        up, down = ((limit * unit * _ewma_skewed(weight, limit, side * skew),) for side in (1, -1))
        clip = 1.5 * limit * unit
    else:
        chart = estimated.cusum(run * sum(watched), residual_shift, windows, phi)
        up, down = (
            tuple(h * _cusum_skewed(k, side * skew) for k, h in zip(chart.references, chart.limits, strict=True))
            for side in (1, -1)
        )
        clip = chart.references[0] + chart.limits[0] / 2
    return Charts(
        method is ChangeMethod.EWMA,
        chart.references,
        up,
        down,
        watched,
        max(clip, _LEAST_CLIP),
        (_alone(chart.alone, skew), _alone(chart.alone, -skew)),
        1.0 if math.isinf(chart.alone) else 1 + max(kurtosis, 0.0) / 24 * (chart.alone**2 - 3),
    )


def _alone(limit: float, skew: float) -> float:
    """What single counts with that ``skew`` pass as rarely as normal ones pass ``limit``: a gamma stands for them."""
    if skew <= 0 or math.isinf(limit):
        return limit
    shape = 4 / skew**2
    return (float(gammainccinv(shape, ndtr(-limit))) - shape) / math.sqrt(shape)


def _cusum_skewed(k: float, skew: float) -> float:
    """How much longer a limit must be where steps have a tail on its side.

    A run length grows as exp(θh), where θ solves K(θ) = kθ for the steps' cumulants K: 2k for normal steps, less for
    the gamma steps with this ``skew`` that stand for counts (Wald's identity).
    """
    if skew <= 0:
        return 1.0
    low, high = 0.0, min(2 * k, 2 / skew * (1 - 1e-12))
    for _ in range(60):
        theta = (low + high) / 2
        cumulant = -4 / skew**2 * (math.log1p(-skew * theta / 2) + skew * theta / 2)
        low, high = (theta, high) if cumulant < k * theta else (low, theta)
    return 2 * k / low


def _ewma_skewed(weight: float, limit: float, skew: float) -> float:
    """The same for an EWMA, by the first term of Cornish and Fisher."""
    of_mean = skew * weight**3 / (1 - (1 - weight) ** 3) / ewma_sd(weight) ** 3
    return 1 + max(of_mean, 0.0) * (limit**2 - 1) / 6 / limit
