"""Times as the demo tells and writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def parse(text: str | None) -> datetime | None:
    """An RFC 3339 time with any number of decimals; None for None or an empty text."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def rfc3339(moment: datetime | None) -> str | None:
    """`moment` with milliseconds, such as 2026-11-23T06:00:00.125Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(start: datetime, end: datetime) -> float:
    """Seconds from `start` to `end`."""
    return (end - start).total_seconds()
