"""All detectors, by the name that a policy writes."""

from knowngood.core.detectors.burst import Burst
from knowngood.core.detectors.change import Change
from knowngood.core.detectors.comparison import Comparison
from knowngood.core.detectors.disparity import Disparity
from knowngood.core.detectors.drift import Drift
from knowngood.core.detectors.occurrence import Occurrence
from knowngood.core.detectors.port import DetectorPort
from knowngood.core.detectors.threshold import Threshold
from knowngood.core.detectors.trend import Trend

DETECTORS: tuple[DetectorPort, ...] = (
    Threshold(),
    Drift(),
    Change(),
    Disparity(),
    Burst(),
    Occurrence(),
    Trend(),
    Comparison(),
)
_BY_NAME = {detector.name: detector for detector in DETECTORS}


def detector(name: str) -> DetectorPort:
    """The detector called ``name``. Raises KeyError."""
    return _BY_NAME[name]


def supported() -> tuple[str, ...]:
    """The names of all detectors."""
    return tuple(_BY_NAME)
