"""Healthy histograms of scores, made by a seed: normal ones, whose mean wanders from window to window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bench.simulate import autoregressive, learnt
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Sample

Values = NDArray[np.float64]
TWELVE = (*(round(-2.5 + 0.5 * i, 1) for i in range(11)), float("inf"))
TWO = (0.5, float("inf"))


@dataclass(frozen=True)
class Scores:
    """``size`` scores a window in buckets up to ``edges``.

    The mean's wandering makes shares vary by about ``inflation`` times what chance does, with autocorrelation ``phi``.
    """

    edges: tuple[float, ...] = TWELVE
    size: int = 1_000
    inflation: float = 3.0
    phi: float = 0.5
    estimated: int = 50

    def baselines(self, rng: np.random.Generator, replicas: int) -> Sequence[Baseline]:
        """Recorded from traffic of its own."""
        return learnt(self.windows(rng, replicas), self.estimated)

    def windows(self, rng: np.random.Generator, replicas: int) -> "ScoreStream":
        """Ever more of them."""
        return ScoreStream(self, rng, autoregressive(rng, replicas, self.phi))


@dataclass(frozen=True)
class ScoreStream:
    """Windows of scores; a shift is one of the mean, in deviations of its wandering."""

    null: Scores
    rng: np.random.Generator
    means: Iterator[Values]

    def next(self, shift: float) -> Sequence[Sample]:
        """The next window of each replica."""
        null = self.null
        means = (next(self.means) + shift) * np.sqrt((null.inflation - 1) / null.size)
        shares = np.diff(ndtr(np.array(null.edges) - means[:, None]), axis=1, prepend=0.0)
        rows = self.rng.multinomial(null.size, shares).tolist()
        size = float(null.size)
        return [Sample({}, DataState.OK, 0.0, size, buckets=Buckets(null.edges, tuple(row))) for row in rows]
