"""An incident whose ModelDeployment is gone: nothing is done about it but what people decide of its record."""

from datetime import datetime

from knowngood.api.aiincident import AIIncident, DispositionVerdict
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason
from knowngood.api.incidentstatus import Actor, AIIncidentStatus, IncidentPhase
from knowngood.core.incidents.decisions import counts, ignored, with_guard, with_judgement
from knowngood.core.incidents.record import conditioned, told
from knowngood.core.response.ledger import standing_steps


def decided(incident: AIIncident, status: AIIncidentStatus, unguarded: str, now: datetime) -> AIIncidentStatus:
    """``status`` with what people decided; ``unguarded``: why that does not count."""
    spec = incident.spec
    status = with_guard(status, unguarded, now)
    if unguarded:
        return ignored(status, (spec.acknowledgement, spec.approval, spec.disposition, spec.close_request, *spec.gates))
    judged = counts(spec.disposition, status)
    status = with_judgement(_acknowledged(incident, status, now), judged, now)
    if judged is not None and judged.verdict is DispositionVerdict.FALSE_POSITIVE:
        return _over(status, IncidentPhase.DISMISSED, now)
    if (wanted := counts(spec.close_request, status)) is None:
        return status
    message = f"closed by {wanted.by}" + (f": {wanted.comment}" if wanted.comment else "")
    return _over(told(status, now, "Closed", message, Actor.PERSON), IncidentPhase.CLOSED, now)


def _acknowledged(incident: AIIncident, status: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    seen = counts(incident.spec.acknowledgement, status)
    if seen is None:
        return status
    message = f"seen by {seen.by}" + (f": {seen.comment}" if seen.comment else "")
    true = ConditionStatus.TRUE
    after = conditioned(status, ConditionType.ACKNOWLEDGED, true, Reason.ACKNOWLEDGED, message, now)
    return after if after is status else told(after, now, "Acknowledged", message, Actor.PERSON)


def _over(status: AIIncidentStatus, phase: IncidentPhase, now: datetime) -> AIIncidentStatus:
    """Whose workload that was is not known any more: nothing is taken back, and that is said."""
    left = ", ".join(f"{step.name} ({step.action})" for step in standing_steps(status))
    if left:
        target = status.plan.target if status.plan else None
        where = f"; look at {target.kind} {target.name}" if target else ""
        why = f"its ModelDeployment is gone, so that what these wrote stays, as far as it is there: {left}{where}"
        status = told(status, now, "LeftAsIs", why)
    return status.model_copy(update={"phase": phase})
