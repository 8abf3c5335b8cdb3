"""What would have opened: incidents of a replay, as far as history can tell of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from knowngood.api.aiincident import AIIncident
from knowngood.api.incidentstatus import IncidentSignal
from knowngood.core.incidents.record import is_over


@dataclass(frozen=True, slots=True)
class Fired:
    """A signal that took part, first in breach at ``at`` (seconds since the epoch); its value then, as text."""

    signal: str
    at: float
    reason: str
    value: str
    threshold: str
    segment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opening:
    """An incident that would have opened at ``at`` and been over at ``end`` (None: open when history ended).

    Times are in seconds since the epoch. ``fired`` begins with the signal that opened it.
    """

    model: str
    type: str
    severity: str
    at: float
    end: float | None
    release: str
    fired: tuple[Fired, ...]

    @property
    def signal(self) -> str:
        """The signal that opened it."""
        return self.fired[0].signal if self.fired else ""


def opening_of(incident: AIIncident, first: Mapping[str, IncidentSignal]) -> Opening:
    """What became of an incident of a replay; ``first`` is what its signals said when they opened or joined it.

    Raises ValueError where it was never taken in.
    """
    status = incident.status
    opened = status.opened_at
    if opened is None:
        raise ValueError(f"{incident.metadata.name} has no status")
    fired = [first.get(signal.name, signal) for signal in status.signals]
    fired.sort(key=lambda s: (s.name != status.primary_signal, s.first_breach_at or opened))
    ended = status.recovered_at if is_over(incident) else None
    return Opening(
        model=incident.spec.model_ref.name,
        type=(status.type or incident.spec.type).value,
        severity=(status.severity or incident.spec.severity).value,
        at=opened.timestamp(),
        end=ended.timestamp() if ended else None,
        release=status.suspect.release if status.suspect else "",
        fired=tuple(_fired(signal, opened) for signal in fired),
    )


def _fired(signal: IncidentSignal, opened: datetime) -> Fired:
    return Fired(
        signal=signal.name,
        at=(signal.first_breach_at or opened).timestamp(),
        reason=signal.reason,
        value=signal.value,
        threshold=signal.threshold,
        segment=dict(signal.segment),
    )
