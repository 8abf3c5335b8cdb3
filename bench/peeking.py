"""Judging healthy traffic through a detector's own `judge`, a window at a time, for many models at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.nulls import Known
from knowngood.api.observed import Verdict
from knowngood.core.detectors.port import Case, Judged, Span

WINDOW = 60.0
START = 86_400.0


@dataclass
class Fleet:
    """``models`` of ``segments`` series each, which may have a false alarm every ``every`` windows."""

    known: Known
    models: int
    segments: int
    every: int
    rng: np.random.Generator
    memories: list[Any] = field(default_factory=list)
    breached: set[int] = field(default_factory=set)

    def windows(self) -> Iterator["Window"]:
        """Windows without end."""
        size = self.models * self.segments
        baselines, stream = self.known.null.baselines(self.rng, size), self.known.null.windows(self.rng, size)
        self.memories = [None] * size
        number = 0
        while True:
            samples = stream.next(0.0)
            others = stream.references() if hasattr(stream, "references") else [None] * size
            cases = [Case(s, None, b, self.segments, o) for s, b, o in zip(samples, baselines, others, strict=True)]
            yield Window(self, cases, Span(START + number * WINDOW, WINDOW, WINDOW))
            number += 1


@dataclass(frozen=True)
class Window:
    """One window of all series."""

    fleet: Fleet
    cases: Sequence[Case]
    span: Span

    def judge(self) -> list[Judged]:
        """Judge it with what is remembered, and remember."""
        fleet = self.fleet
        seen = [
            Case(c.sample, m, c.baseline, c.segments, c.reference)
            for c, m in zip(self.cases, fleet.memories, strict=True)
        ]
        found = fleet.known.detector.judge(fleet.known.set(fleet.every), seen, self.span)
        fleet.memories = [memory for _, memory in found]
        return found

    def alarms(self) -> list[int]:
        """Judge it; which models begin a breach, whichever segment it is of."""
        size, before = self.fleet.segments, self.fleet.breached
        found = [j.verdict is Verdict.BREACH for j, _ in self.judge()]
        now = {m for m in range(self.fleet.models) if any(found[m * size : (m + 1) * size])}
        self.fleet.breached = now
        return sorted(now - before)
