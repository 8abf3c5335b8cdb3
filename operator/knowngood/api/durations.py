"""Durations in Prometheus' grammar: `90s`, `5m`, `1h30m`, `30d`, `500ms`; units largest first."""

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from knowngood.api.schema import Cel, Shape

PATTERN: Final = r"^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"
_UNITS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}  # in milliseconds
_PART: Final = re.compile(r"([0-9]+)(ms|[ywdhms])")
_MAX_MS: Final = (2**63 - 1) // 1_000_000  # Prometheus counts nanoseconds in an int64
WRITE: Final = "whole numbers with units, largest first, such as 500ms, 90s, 5m, 1h30m or 30d"


def _in_range(text: str) -> str:
    milliseconds(text)
    return text


def milliseconds(text: str) -> int:
    """`text` in milliseconds; ValueError names `text` and what to write where it is no duration."""
    if not text or re.fullmatch(PATTERN, text) is None:
        raise ValueError(f"'{text}' is not a duration: write {WRITE}")
    total = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if total > _MAX_MS:
        raise ValueError(f"'{text}' is too long for a duration: write at most 292y")
    return total


def seconds(text: str) -> float:
    """`text` in seconds; ValueError names `text` and what to write where it is no duration."""
    return milliseconds(text) / 1000


def text(seconds: float) -> str:
    """The shortest usual way to write `seconds`, rounded to milliseconds: 5400 → `1h30m`, 0 → `0s`.

    Years and weeks are not used: `30d` and `365d` say the same with less to think about.
    Raises ValueError for what is negative, not finite or longer than 292 years.
    """
    if not 0 <= seconds <= _MAX_MS / 1000:
        raise ValueError(f"{seconds} seconds are no duration: use 0 to {_MAX_MS // 1000}")
    left = int((Decimal(repr(float(seconds))) * 1000).to_integral_value())
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        number, left = divmod(left, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


class _Bounded(Shape):
    """The grammar's shape, and the range that Prometheus can hold."""

    def check(self, value: str) -> str:
        """Return `value`; ValueError names it and what to write."""
        return _in_range(value)


Duration = Annotated[str, Field(min_length=1, max_length=32), _Bounded(PATTERN, "a duration", WRITE)]
"""A duration as text, zero allowed."""


def _positive(value: str) -> str:
    if milliseconds(value) == 0:
        raise ValueError(f"'{value}' must be longer than zero: write for example 1m")
    return value


PositiveDuration = Annotated[
    Duration,
    AfterValidator(_positive),
    Cel("self.matches('[1-9]')", "must be longer than zero: write for example 1m"),
]
"""A duration as text, longer than zero."""
