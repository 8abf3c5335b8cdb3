"""The control charts of `change`: which limits follow from `falseAlarmEvery`, and how a chart moves by one window."""

import math
from dataclasses import dataclass
from functools import lru_cache

from knowngood.api.detectors import ChangeDetector, ChangeMethod, Direction
from knowngood.api.durations import seconds
from knowngood.core.detectors.standard import Healthy
from knowngood.core.stats import estimated
from knowngood.core.stats.runlength import ewma_sd

_LEAST_RUN = 20.0  # windows; a dial below that asks for more alarms than a chart can have
_LEAST_CLIP = 4.0  # standard deviations of one residual, beyond which it is no noise of a normal value
_SKEW_STEP = 0.05
_RELEASE = 0.5  # of the limit: a chart that has alarmed is quiet again below it


@dataclass(frozen=True, slots=True)
class Charts:
    """Both sides of a chart, and which are ``watched`` (up, down).

    ``k`` is a CUSUM's reference or an EWMA's weight; ``up`` and ``down`` are the sides' limits. One residual counts at
    most ``clip``, so that one freak window is no lasting shift.
    """

    ewma: bool
    k: float
    up: float
    down: float
    watched: tuple[bool, bool]
    clip: float

    def clipped(self, residual: float) -> float:
        """As much of it as counts."""
        return min(max(residual, -self.clip), self.clip)

    def moved(self, up: float, down: float, residual: float) -> tuple[float, float]:
        """How far up and down, one window later; bounded by the limits, so that good data ends an alarm."""
        e = self.clipped(residual)
        if self.ewma:
            mean = min(max((1 - self.k) * up + self.k * e, -self.down), self.up)
            return mean, -mean
        return min(max(up + e - self.k, 0.0), self.up), min(max(down - e - self.k, 0.0), self.down)

    def side(self, up: float, down: float, before: int) -> int:
        """1 where it has shifted up, -1 down, 0 neither; ``before`` is left only at half the limit."""
        if self.watched[0] and up >= (_RELEASE if before == 1 else 1.0) * self.up:
            return 1
        if self.watched[1] and down >= (_RELEASE if before == -1 else 1.0) * self.down:
            return -1
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
    )


@lru_cache(maxsize=8192)
def _charts(
    method: ChangeMethod, direction: Direction, shift: float, run: float, windows: float, phi: float, skew: float
) -> Charts:
    residual_shift = shift * math.sqrt((1 - phi) / (1 + phi))
    up, down = direction is not Direction.DOWN, direction is not Direction.UP
    if method is ChangeMethod.EWMA:
        # Each side of a two-sided chart alarms half as often as both.
        chart = estimated.ewma(run if up and down else run / 2, residual_shift, windows, phi)
        unit, clip = ewma_sd(chart.k), 1.5 * chart.limit * ewma_sd(chart.k)
        limits = [chart.limit * unit * _ewma_skewed(chart, side * skew) for side in (1, -1)]
    else:
        chart = estimated.cusum(run * (up + down), residual_shift, windows, phi)
        clip = chart.k + chart.limit / 2
        limits = [chart.limit * _cusum_skewed(chart.k, side * skew) for side in (1, -1)]
    return Charts(
        method is ChangeMethod.EWMA,
        chart.k,
        limits[0],
        limits[1],
        (up, down),
        max(clip, _LEAST_CLIP),
    )


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


def _ewma_skewed(chart: estimated.Chart, skew: float) -> float:
    """The same for an EWMA, by the first term of Cornish and Fisher."""
    w = chart.k
    of_mean = skew * w**3 / (1 - (1 - w) ** 3) / ewma_sd(w) ** 3
    return 1 + max(of_mean, 0.0) * (chart.limit**2 - 1) / 6 / chart.limit
