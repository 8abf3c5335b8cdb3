"""At which values of a signal its detector's verdict turns, for a picture: where that is a value at all.

`burst` and `comparison` have none: how many events are too many depends on the traffic, and how much worse is too much
on the other release.
"""

import re
from collections.abc import Sequence

from knowngood.api.detectors import (
    ChangeDetector,
    Direction,
    DisparityDetector,
    DriftDetector,
    OccurrenceDetector,
    ThresholdDetector,
    TrendDetector,
)
from knowngood.core.incidents.onset import limit_of

_SHIFT = re.compile(r"a lasting shift of (?P<shift>\S+) from (?P<level>\S+)")
_WAYS = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.BOTH: (-1, 1)}


def limits(settings: object, threshold: str) -> Sequence[float]:
    """Of a detector with these ``settings``, which said that ``threshold`` last."""
    match settings:
        case ThresholdDetector():
            return [limit for limit in (settings.below, settings.above) if limit is not None]
        case OccurrenceDetector():
            return [0.0]
        case DisparityDetector():
            return [settings.min_ratio]
        case TrendDetector():
            return [] if settings.limit is None else [settings.limit]
        case DriftDetector():
            found = limit_of(threshold)
            return [] if found is None else [found.value]
        case ChangeDetector():
            return _shifted(threshold, _WAYS[settings.direction])
        case _:
            return []


def _shifted(threshold: str, ways: Sequence[int]) -> Sequence[float]:
    """The healthy level with the shift that is looked for: it learns both, and says them."""
    found = _SHIFT.fullmatch(threshold)
    return [float(found["level"]) + way * float(found["shift"]) for way in ways] if found else []
