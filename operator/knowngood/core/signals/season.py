"""Which part of a season a window is of: traffic at three at night is held against other nights at three."""

from collections.abc import Mapping
from typing import Final

from knowngood.api.incidentpolicy import Season

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FIRST: Final = 3  # 1970-01-01 was a Thursday
PARTS: Final[Mapping[Season, int]] = {Season.HOUR_OF_DAY: 24, Season.DAY_OF_WEEK: 7, Season.HOUR_OF_WEEK: 168}
"""How many parts a season has."""
LENGTH: Final[Mapping[Season, float]] = {
    Season.HOUR_OF_DAY: 3600.0,
    Season.DAY_OF_WEEK: 86_400.0,
    Season.HOUR_OF_WEEK: 3600.0,
}
"""How long a part is, in seconds."""


def part(season: Season, end: float, length: float) -> str:
    """The part that the middle of a window is in, which ends at ``end`` (seconds since the epoch, UTC): ``Mon 13``."""
    hours = int((end - length / 2) // 3600)
    day, hour = _DAYS[(hours // 24 + _FIRST) % 7], f"{hours % 24:02d}"
    match season:
        case Season.HOUR_OF_DAY:
            return hour
        case Season.DAY_OF_WEEK:
            return day
        case Season.HOUR_OF_WEEK:
            return f"{day} {hour}"
