"""Which decisions of people count, and what they judged: what was seen while admission guarded who writes.

What counts is what the record says. A decision that was first seen unguarded is marked, and never counts.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import orjson

from knowngood.api.aiincident import AIIncident, Disposition, DispositionVerdict
from knowngood.api.base import KnowngoodModel
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason
from knowngood.api.incidentstatus import Actor, AIIncidentStatus
from knowngood.core.incidents.record import conditioned, is_over, told

_MOST_MARKS = 16
_JUDGED = {f"Judged{verdict.value}": verdict for verdict in DispositionVerdict}
_D = TypeVar("_D", bound=KnowngoodModel)


def _mark(decision: KnowngoodModel) -> str:
    content = orjson.dumps(decision.to_object(), option=orjson.OPT_SORT_KEYS)
    return f"{type(decision).__name__}:{hashlib.sha256(content).hexdigest()[:32]}"


def ignored(status: AIIncidentStatus, written: Iterable[KnowngoodModel | None]) -> AIIncidentStatus:
    """Nobody checked who wrote these; they do not begin to count when somebody does."""
    found = (_mark(d) for d in written if d is not None)
    marks = list(dict.fromkeys([*status.ignored_decisions, *found]))[-_MOST_MARKS:]
    return status if marks == status.ignored_decisions else status.model_copy(update={"ignored_decisions": marks})


def is_ignored(decision: KnowngoodModel, status: AIIncidentStatus) -> bool:
    """Whether it was written while admission did not check who writes."""
    return _mark(decision) in status.ignored_decisions


def counts(decision: _D | None, status: AIIncidentStatus) -> _D | None:
    """The decision, unless it was written while admission did not check who writes."""
    return None if decision is None or is_ignored(decision, status) else decision


def with_guard(status: AIIncidentStatus, unguarded: str, now: datetime) -> AIIncidentStatus:
    """With the condition that says whether admission checks who decides; ``unguarded``: why it does not."""
    if unguarded:
        value, reason = ConditionStatus.FALSE, Reason.NOT_GUARDED
        message = f"{unguarded}; no decision of a person is honoured. Install the chart with admission.enabled"
    else:
        value, reason, message = ConditionStatus.TRUE, Reason.GUARDED, "admission checks who decides"
    return conditioned(status, ConditionType.APPROVALS_GUARDED, value, reason, message, now)


def judged(status: AIIncidentStatus) -> DispositionVerdict | None:
    """What a person said last that the incident was, as the record has it."""
    words = (_JUDGED.get(e.reason) for e in reversed(status.timeline) if e.actor is Actor.PERSON)
    return next((verdict for verdict in words if verdict is not None), None)


def with_judgement(status: AIIncidentStatus, found: Disposition | None, now: datetime) -> AIIncidentStatus:
    """With what a person says that it was; itself where that is recorded."""
    if found is None or judged(status) is found.verdict:
        return status
    message = f"{found.by}: {found.verdict.value}" + (f", {found.comment}" if found.comment else "")
    return told(status, now, f"Judged{found.verdict.value}", message, Actor.PERSON)


def unheard(incident: AIIncident) -> bool:
    """Whether it is over, and was judged since."""
    found = incident.spec.disposition
    if found is None or not is_over(incident) or judged(incident.status) is found.verdict:
        return False
    return not is_ignored(found, incident.status)


def heard(status: AIIncidentStatus, found: Disposition | None, unguarded: str, now: datetime) -> AIIncidentStatus:
    """The status of an incident that is over with what it was judged; ``unguarded``: why that does not count."""
    status = with_guard(status, unguarded, now)
    return ignored(status, [found]) if unguarded else with_judgement(status, counts(found, status), now)
