"""Healthy traffic for the detectors of counts, groups and another release, made by a seed.

Rates are lognormal with autocorrelation, traffic varies, and each replica has a baseline that was estimated from
windows before. A null has ``baselines`` and ``windows``; a stream of windows has ``next``, and ``references`` where
the other release is needed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.simulate import autoregressive, learnt
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Cell, Sample

Values = NDArray[np.float64]
_NO_LABELS: Mapping[str, str] = {}
PHI = 0.5


@dataclass(frozen=True)
class Events:
    """Events, ``mean`` a window, on about ``exposure`` requests; ``unrest`` is the deviation of the log rate."""

    mean: float = 20.0
    exposure: float = 1_000.0
    unrest: float = 0.3
    traffic: float = 0.3
    phi: float = PHI
    estimated: int = 50

    def baselines(self, rng: np.random.Generator, replicas: int) -> Sequence[Baseline]:
        """Recorded from traffic of its own."""
        return learnt(self.windows(rng, replicas), self.estimated)

    def draw(self, rng: np.random.Generator, rates: Values, shift: float = 0.0) -> tuple[Values, Values]:
        """(hits, exposure) of a window with those standardised log rates."""
        exposure = np.ceil(self.exposure * np.exp(self.traffic * rng.standard_normal(len(rates))))
        factor = np.exp(self.unrest * (rates + shift) - self.unrest**2 / 2)
        return rng.poisson(exposure * self.mean / self.exposure * factor).astype(np.float64), exposure

    def windows(self, rng: np.random.Generator, replicas: int) -> "EventStream":
        """Ever more of them."""
        return EventStream(self, rng, autoregressive(rng, replicas, self.phi))


@dataclass(frozen=True)
class EventStream:
    """Windows of events."""

    null: Events
    rng: np.random.Generator
    rates: Iterator[Values]

    def next(self, shift: float) -> Sequence[Sample]:
        """The next window of each replica."""
        hits, exposure = self.null.draw(self.rng, next(self.rates), shift)
        return [
            Sample(_NO_LABELS, DataState.OK, h, e, hits=h)
            for h, e in zip(hits.tolist(), exposure.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of ``groups`` alike groups; the share of all wanders together."""

    groups: int = 2
    share: float = 0.5
    each: int = 200
    phi: float = PHI
    wander: float = 0.2
    behind: float = 0.8

    def baselines(self, rng: np.random.Generator, replicas: int) -> Sequence[None]:
        """It learns nothing."""
        return [None] * replicas

    def windows(self, rng: np.random.Generator, replicas: int) -> "OutcomeStream":
        """Ever more of them."""
        return OutcomeStream(self, rng, autoregressive(rng, replicas, self.phi))


@dataclass(frozen=True)
class OutcomeStream:
    """Windows of outcomes; all groups but one are as far ``behind`` as is just allowed."""

    null: Outcomes
    rng: np.random.Generator
    levels: Iterator[Values]

    def next(self, shift: float) -> Sequence[Sample]:
        """The next window of each replica."""
        null = self.null
        odds = null.share / (1 - null.share) * np.exp(null.wander * (next(self.levels) - shift))
        best = odds / (1 + odds)
        shares = np.repeat(best[:, None] * null.behind, null.groups, axis=1)
        shares[:, 0] = best
        totals = 1 + self.rng.poisson(null.each, shares.shape)
        return [
            _outcomes(g, t) for g, t in zip(self.rng.binomial(totals, shares).tolist(), totals.tolist(), strict=True)
        ]


def _outcomes(good: Sequence[int], totals: Sequence[int]) -> Sample:
    cells = tuple(Cell({"group": f"g{i}"}, g, t) for i, (g, t) in enumerate(zip(good, totals, strict=True)))
    hits, count = sum(good), sum(totals)
    return Sample(_NO_LABELS, DataState.OK, hits / count, count, hits=hits, cells=cells)


@dataclass(frozen=True)
class Releases:
    """Shares of two releases that are alike, each with an autocorrelation of its own."""

    share: float = 0.05
    count: int = 300
    others: int = 300
    unrest: float = 0.2
    phi: float = PHI
    estimated: int = 50

    def baselines(self, rng: np.random.Generator, replicas: int) -> Sequence[Baseline]:
        """Recorded from the running release's traffic."""
        return learnt(self.windows(rng, replicas), self.estimated, shares=True)

    def draw(self, rng: np.random.Generator, rates: Values, count: int) -> Values:
        """Hits of a window with those standardised log rates."""
        shares = np.minimum(self.share * np.exp(self.unrest * rates - self.unrest**2 / 2), 1.0)
        return rng.binomial(count, shares).astype(np.float64)

    def windows(self, rng: np.random.Generator, replicas: int) -> "ReleaseStream":
        """Ever more of them."""
        return ReleaseStream(
            self, rng, autoregressive(rng, replicas, self.phi), autoregressive(rng, replicas, self.phi)
        )


@dataclass(frozen=True)
class ReleaseStream:
    """Windows of both releases."""

    null: Releases
    rng: np.random.Generator
    ours: Iterator[Values]
    theirs: Iterator[Values]

    def next(self, shift: float) -> Sequence[Sample]:
        """The next window of each replica's running release."""
        return _shares(self.null.draw(self.rng, next(self.ours) + shift, self.null.count), self.null.count)

    def references(self) -> Sequence[Sample]:
        """The same window of the other release; to be asked once for each ``next``."""
        return _shares(self.null.draw(self.rng, next(self.theirs), self.null.others), self.null.others)


def _shares(hits: Values, count: int) -> list[Sample]:
    return [Sample(_NO_LABELS, DataState.OK, h / count, count, hits=h) for h in hits.tolist()]
