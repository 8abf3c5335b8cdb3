"""When the next request is due: an open loop, so that a slow server is not spared."""

from __future__ import annotations


class Pace:
    """Due times at a steady rate from a start (seconds of a monotonic clock)."""

    def __init__(self, rate: float, start: float) -> None:
        self._step = 1.0 / rate
        self._start = start
        self.count = 0

    def wait(self, now: float) -> float:
        """Seconds until the next request is due; 0 when it is due already."""
        return max(0.0, self._start + self.count * self._step - now)

    def sent(self) -> None:
        """One request went out."""
        self.count += 1
