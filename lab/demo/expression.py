"""The observer's PromQL: the good and the total of the policy's ratio, release by release."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lab.demo.policy import Policy
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
class Expressions:
    """What the observer asks Prometheus."""

    good: str
    total: str
    codes: str


def expressions(policy: Policy, namespace: str, model: str) -> Expressions:
    """The expressions for one model; `namespace` is the label that the scrape assigned."""
    matchers = f'{{namespace="{namespace}",model="{model}"}}'

    def increase(metric: str) -> str:
        return f"sum by (release) (increase({metric}{matchers}[{policy.window}]))"

    return Expressions(
        good=increase(policy.good),
        total=increase(policy.total),
        codes=f"sum by (code) (rate(model_requests_total{matchers}[10s]))",
    )


def read_tallies(ask: Expressions, query: Callable[[str], Vector]) -> dict[str, Tally]:
    """Tallies by release; a release that is always wrong has no good series and counts 0."""
    good = {labels.get("release", ""): value for labels, value in query(ask.good)}
    total = {labels.get("release", ""): value for labels, value in query(ask.total)}
    return {release: Tally(good.get(release, 0.0), count) for release, count in total.items()}
