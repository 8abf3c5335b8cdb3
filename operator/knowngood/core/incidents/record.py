"""Small changes of an incident's status, each returning a new one; what is equal stays equal, so nothing is written."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import ConditionStatus, ConditionType, find_condition, set_condition
from knowngood.api.incidentstatus import Actor, AIIncidentStatus, IncidentPhase, TimelineEntry
from knowngood.api.plan import PlanStep

MAX_TIMELINE = 200
_LONGEST_MESSAGE = 4096
OVER = frozenset({IncidentPhase.RESOLVED, IncidentPhase.CLOSED, IncidentPhase.DISMISSED, IncidentPhase.SELF_RECOVERED})


def clipped(text: str, most: int = _LONGEST_MESSAGE) -> str:
    """``text``, cut where the record would not hold it."""
    return text if len(text) <= most else text[: most - 1] + "…"


def is_over(incident: AIIncident) -> bool:
    """Whether the incident has ended; a new breach then is a new episode."""
    return incident.status.phase in OVER


def told(
    status: AIIncidentStatus, now: datetime, reason: str, message: str, actor: Actor = Actor.OPERATOR
) -> AIIncidentStatus:
    """With an entry at the end of the timeline; the oldest but the first few give way."""
    entry = TimelineEntry(time=now, actor=actor, reason=str(reason), message=clipped(message))
    timeline = [*status.timeline, entry]
    if len(timeline) > MAX_TIMELINE:
        timeline = timeline[: MAX_TIMELINE // 4] + timeline[-(MAX_TIMELINE - MAX_TIMELINE // 4) :]
    return status.model_copy(update={"timeline": timeline})


def conditioned(
    status: AIIncidentStatus,
    type: ConditionType,
    value: ConditionStatus,
    reason: str,
    message: str,
    now: datetime,
) -> AIIncidentStatus:
    """With the condition set; unchanged where it says the same already."""
    message = clipped(message)
    old = find_condition(status.conditions, type)
    if old and old.status is value and old.reason == str(reason) and old.message == message:
        return status
    conditions = set_condition(status.conditions, type, value, reason, message, status.observed_generation, now)
    return status.model_copy(update={"conditions": conditions})


def stepped(status: AIIncidentStatus, name: str, changes: Mapping[str, Any]) -> AIIncidentStatus:
    """With the step called ``name`` of the plan changed."""
    if status.plan is None:
        raise ValueError("the incident has no plan")
    update = {k: clipped(v) if isinstance(v, str) else v for k, v in changes.items()}
    steps = [s.model_copy(update=update) if s.name == name else s for s in status.plan.steps]
    return status.model_copy(update={"plan": status.plan.model_copy(update={"steps": steps})})


def step(status: AIIncidentStatus, action: str) -> PlanStep | None:
    """The plan's step with this action, or None."""
    return next((s for s in status.plan.steps if s.action == action), None) if status.plan else None
