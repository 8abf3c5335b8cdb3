"""Times as the Kubernetes API writes them; the moment itself is always passed in."""

from datetime import UTC, datetime


def parse_time(text: str | None) -> float | None:
    """Seconds since the epoch of an RFC 3339 text, or None where it is absent or unreadable."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def format_time(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds, for records whose order within a second matters."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
