"""Whether a detector's settings fit what its input yields, known before anything is asked."""

from knowngood.api.detectors import Detector, DriftTest

ORDERED = frozenset({DriftTest.KOLMOGOROV_SMIRNOV, DriftTest.WASSERSTEIN})
"""Tests that need values with an order."""
UNORDERED = "ChiSquared, JensenShannon or PopulationStabilityIndex"
"""What to write instead."""


def misfit(source: str, detector: Detector) -> tuple[str, str] | None:
    """(the field below the signal, why and what to write) where ``detector`` can never judge the input ``source``."""
    drift = detector.drift
    if drift is None or source != "outcomes" or drift.test not in ORDERED:
        return None
    why = f"{drift.test} needs values that have an order, and outcomes have none; write {UNORDERED}"
    return "detector.drift.test", why
