"""Writes of steps that the API server does not take: one is nothing, several in a row for some seconds are said.

Only in memory: a new process sees for itself whether a write is still refused.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.core.response import ladder
from knowngood.core.response.facts import Refusal
from knowngood.shell.store import Key

_LEAST, _LASTS = 3, timedelta(seconds=5)
_SETTLES = timedelta(seconds=30)
"""How long what is said stands at least: a message may name another port at each try."""


@dataclass(frozen=True, slots=True)
class _Tries:
    """What was tried in vain: which step, how far."""

    mark: str
    count: int
    since: datetime
    last: datetime
    message: str
    said: datetime


class Refusals:
    """By incident, what its current step writes in vain."""

    def __init__(self) -> None:
        self._tries: dict[Key, _Tries] = {}

    def add(self, key: Key, status: AIIncidentStatus, message: str, now: datetime) -> None:
        """A write of the current step was not taken."""
        mark, known = _mark(status), self._tries.get(key)
        if known is None or known.mark != mark:
            self._tries[key] = _Tries(mark, 1, now, now, message, now)
            return
        if message != known.message and now - known.said >= _SETTLES:
            known = replace(known, message=message, said=now)
        self._tries[key] = replace(known, count=known.count + 1, last=now)

    def over(self, key: Key) -> None:
        """A write was taken, or there is nothing to write."""
        self._tries.pop(key, None)

    def of(self, key: Key, status: AIIncidentStatus) -> Refusal | None:
        """What the API server says to the current step's write, once it has said so for long enough."""
        found = self._tries.get(key)
        if found is None or found.mark != _mark(status):
            return None
        lasts = found.count >= _LEAST and found.last - found.since >= _LASTS
        return Refusal(found.message, found.since) if lasts else None


def _mark(status: AIIncidentStatus) -> str:
    step = ladder.current(status)
    if step is None:
        return ""
    again = step.reverts.written_again if step.reverts else 0
    return f"{step.name}/{step.state.value}/{step.intended_at}/{again}"
