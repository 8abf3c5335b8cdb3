"""The observer's questions: the operator's own expression, compiled from the same policy, and what callers met."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.compiled import CompiledSignal
from lab.demo.prometheus import Vector


@dataclass(frozen=True)
class Tally:
    """Answers whose truth became known within the window."""

    good: float
    total: float

    @property
    def ratio(self) -> float:
        """The share that was right; NaN of nothing."""
        return self.good / self.total if self.total else math.nan


@dataclass(frozen=True)
class Questions:
    """What the observer asks about one model."""

    signal: CompiledSignal
    matchers: Mapping[str, str]
    """The labels of the model's series."""

    @property
    def callers(self) -> str:
        """Predictions that callers ask for a second (`what="rate"`), and all their failures (`what="failed"`)."""
        place = f'namespace="{self.signal.namespace}"'
        rate = f'sum(rate(traffic_requests_total{{{place},kind="predict"}}[10s]))'
        failed = f"sum(traffic_errors_total{{{place}}})"
        return " or ".join(
            f'label_replace({part}, "what", "{what}", "", "")' for what, part in (("rate", rate), ("failed", failed))
        )

    def tallies(self, query: Callable[[str], Vector], at: float) -> dict[str, Tally]:
        """Tallies by release at `at` (Unix seconds); what cannot be judged is left out."""
        rows = [Row(labels, value, at) for labels, value in query(self.signal.query)]
        return {
            sample.labels[self.signal.release_label]: Tally(sample.value * sample.count, sample.count)
            for sample in self.signal.decode(rows, at)
            if self._ours(sample.labels) and sample.state is DataState.OK
            if sample.value is not None and sample.count is not None
        }

    def _ours(self, labels: Mapping[str, str]) -> bool:
        return self.signal.release_label in labels and self.matchers.items() <= labels.items()
