"""Every detector with the dial, and healthy traffic for it: what must not alarm more often than was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.nulls_counts import Events, Outcomes, Releases
from bench.nulls_scores import TWO, Scores
from bench.simulate import Gaussian
from knowngood.api.detectors import (
    BurstDetector,
    ChangeDetector,
    ComparisonDetector,
    DisparityDetector,
    DriftDetector,
    TrendDetector,
)
from knowngood.core.detectors.burst import Burst
from knowngood.core.detectors.change import Change
from knowngood.core.detectors.comparison import Comparison
from knowngood.core.detectors.disparity import Disparity
from knowngood.core.detectors.drift import Drift
from knowngood.core.detectors.port import DetectorPort
from knowngood.core.detectors.trend import Trend


@dataclass(frozen=True)
class Known:
    """A detector, what its settings are for a wanted time between false alarms, and healthy traffic for it.

    ``least`` is the shortest time, in windows of a minute, that it is measured with: one that judges a long history
    alarms no more often than histories are new.
    """

    detector: DetectorPort
    settings: type
    null: Any
    more: Mapping[str, Any] = field(default_factory=dict)
    least: int = 1

    def set(self, every: int) -> Any:
        """The settings for one false alarm in ``every`` windows of a minute."""
        return self.settings(false_alarm_every=f"{every}m", **self.more)


_ANY = {"min_effect": 0.0, "min_samples": 1}

NULLS: Mapping[str, Known] = {
    "change": Known(Change(), ChangeDetector, Gaussian(0.5, 100)),
    "drift": Known(Drift(), DriftDetector, Scores(), _ANY),
    "drift, two buckets": Known(Drift(), DriftDetector, Scores(TWO, estimated=20), _ANY),
    "trend": Known(Trend(), TrendDetector, Gaussian(0.5, 20), {"over": "60m"}, 200),
    "burst": Known(Burst(), BurstDetector, Events()),
    "burst, rare": Known(Burst(), BurstDetector, Events(mean=0.3, unrest=0.6, estimated=100)),
    "disparity": Known(Disparity(), DisparityDetector, Outcomes()),
    "comparison": Known(Comparison(), ComparisonDetector, Releases()),
}
