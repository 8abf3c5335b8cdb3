"""Whether a detector's settings fit what its input yields, known before anything is asked."""

from collections.abc import Iterator

from knowngood.api.detectors import Detector, DriftTest

ORDERED = frozenset({DriftTest.KOLMOGOROV_SMIRNOV, DriftTest.WASSERSTEIN})
"""Tests that need values with an order."""
UNORDERED = "ChiSquared, JensenShannon or PopulationStabilityIndex"
"""What to write instead."""

SHARES = frozenset({"ratio", "outcomes"})
"""Inputs whose value is a share, 0 to 1."""


def misfit(source: str, detector: Detector) -> tuple[str, str] | None:
    """(the field below the signal, why and what to write) where ``detector`` can never judge the input ``source``."""
    for field, limit in _limits(detector):
        if source in SHARES and limit is not None and not 0 <= limit <= 1:
            instead = f"{limit / 100:g} for {limit:g} %" if 1 < limit <= 100 else "such a number"
            return field, f"{limit:g}: the value of {source} is a share, between 0 and 1; write {instead}"
    drift = detector.drift
    if drift is None or source != "outcomes" or drift.test not in ORDERED:
        return None
    why = f"{drift.test} needs values that have an order, and outcomes have none; write {UNORDERED}"
    return "detector.drift.test", why


def _limits(detector: Detector) -> Iterator[tuple[str, float | None]]:
    """Every limit in the value's own unit, by its field."""
    if detector.threshold is not None:
        yield "detector.threshold.below", detector.threshold.below
        yield "detector.threshold.above", detector.threshold.above
    if detector.trend is not None:
        yield "detector.trend.limit", detector.trend.limit
