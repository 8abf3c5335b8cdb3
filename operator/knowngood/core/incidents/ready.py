"""Ready of an AIIncident, whether what it names is there; and of any object that cannot be read."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from knowngood.api.aiincident import AIIncident
from knowngood.api.base import InvalidObjectError
from knowngood.api.conditions import Condition, ConditionStatus, ConditionType, Reason, set_condition
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.core.incidents.record import clipped, conditioned


def orphaned(incident: AIIncident, now: datetime) -> AIIncidentStatus:
    """The status of an incident whose model is not there."""
    name = incident.spec.model_ref.name
    why = (
        f"spec.modelRef.name: there is no ModelDeployment {name} in this namespace; make it, or close or delete this "
        "incident"
    )
    status = incident.status.model_copy(update={"observed_generation": incident.metadata.generation})
    return conditioned(status, ConditionType.READY, ConditionStatus.FALSE, Reason.MODEL_NOT_FOUND, why, now)


def with_ready(
    status: AIIncidentStatus, incident: AIIncident, policy: IncidentPolicy | None, now: datetime
) -> AIIncidentStatus:
    """With whether the policy that it names is there."""
    value, reason, why = ConditionStatus.TRUE, Reason.VALID, "the operator works on it"
    ref = incident.spec.policy_ref
    if ref is not None and policy is None:
        value, reason = ConditionStatus.FALSE, Reason.POLICY_NOT_FOUND
        why = (
            f"spec.policyRef.name: there is no IncidentPolicy {ref.name} in this namespace, so that no response "
            "matches; make it, or write the name of one that is there in a new incident"
        )
    return conditioned(status, ConditionType.READY, value, reason, why, now)


def with_unread(conditions: Iterable[Any], problem: str, generation: int, now: datetime) -> list[dict[str, Any]]:
    """The conditions, as JSON data, of an object that could not be read; those that are conditions are kept."""
    kept: list[Condition] = []
    for raw in conditions:
        try:
            kept.append(Condition.from_object(raw))
        except InvalidObjectError:
            continue
    why = f"the operator cannot read this object and leaves it alone: {problem}"
    said = set_condition(
        kept, ConditionType.READY, ConditionStatus.FALSE, Reason.INVALID, clipped(why), generation, now
    )
    return [condition.to_object() for condition in said]
