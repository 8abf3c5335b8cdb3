"""Times and durations for people: short, and in UTC."""

from datetime import UTC, datetime

from knowngood.api import durations

_DAY, _HOUR = 86_400, 3_600


def when(seconds: float) -> str:
    """A moment, given in seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def long(seconds: float) -> str:
    """A duration, as precise as its length asks for."""
    unit = _HOUR if seconds >= 10 * _DAY else 60 if seconds >= 10 * _HOUR else 1
    return durations.text(round(seconds / unit) * unit)


def share(part: float, whole: float) -> str:
    """In per cent; what is little, but there, is not 0."""
    if not part or not whole:
        return "-"
    percent = 100 * part / whole
    return "<0.1 %" if percent < 0.1 else f"{percent:.1f} %"


def many(number: int, one: str) -> str:
    """``3 models``, ``1 model``."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"
