"""What the shell is to do next for an incident; one at a time, then everything is looked at again."""

from dataclasses import dataclass

from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.core.response.mutation import Write


@dataclass(frozen=True, slots=True)
class Record:
    """Write this status; nothing else may happen before it is accepted."""

    status: AIIncidentStatus


@dataclass(frozen=True, slots=True)
class FreezeEvidence:
    """Gather evidence within ``budget`` seconds and hand it, with ``status``, to ``evidence_frozen``.

    It only reads, so its intent need not be written first: the plan, the evidence and the next step's intent are one
    write.
    """

    budget: float
    status: AIIncidentStatus


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply a guarded write; a conflict only means that everything is looked at again."""

    mutation: Write


@dataclass(frozen=True, slots=True)
class Tell:
    """Write an Event and a log line, once each ``reason`` in an incident's life; then record that it was done."""

    reason: str
    message: str
    warning: bool
    then: AIIncidentStatus


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until something changes; look again after ``seconds`` at the latest (None: no need)."""

    seconds: float | None = None


Effect = Record | FreezeEvidence | Apply | Tell | Wait
