"""Times as people write them: RFC 3339, a day, seconds since the epoch, or a duration before another time."""

import re
from datetime import UTC, datetime

from knowngood.api import durations
from knowngood.cli.errors import InputError
from knowngood.core.backtest.score import Known

WRITE = "an RFC 3339 time such as 2026-11-23T06:00:00Z, a day such as 2026-11-23, or a duration such as 30d"
_NUMBER = re.compile(r"[0-9]{1,10}(\.[0-9]{1,9})?")
_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


def seconds(text: str, before: float, option: str) -> float:
    """``text`` in seconds since the epoch; a duration is so long before ``before``. Raises InputError."""
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        return before - durations.seconds(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise InputError(f"{option} {text}: not a time: write {WRITE}") from None
    if found.tzinfo is None:
        if "T" in text or " " in text:
            raise InputError(f"{option} {text}: has no time zone: write for example {text}Z")
        found = found.replace(tzinfo=UTC)
    if not 0 <= (made := found.timestamp()) < _LATEST:
        raise InputError(f"{option} {text}: before 1970 or after 9000")
    return made


def known(text: str, until: float) -> Known:
    """An incident that happened, as ``--incident`` writes it: ``[MODEL=]START[/END]``. Raises InputError."""
    model, equals, times = text.rpartition("=")
    if equals and not model:
        raise InputError(f"--incident {text}: write [MODEL=]START[/END], the times in RFC 3339")
    start, slash, end = times.partition("/")
    if not start or (slash and not end):
        raise InputError(f"--incident {text}: write [MODEL=]START[/END], the times in RFC 3339")
    begun = seconds(start, until, "--incident")
    ended = seconds(end, until, "--incident") if slash else None
    if ended is not None and ended < begun:
        raise InputError(f"--incident {text}: ends before it starts")
    return Known(begun, ended, model)
