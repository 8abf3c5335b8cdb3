"""An AIIncident's own Ready: whether what it names is there, so that the operator works on it."""

from datetime import datetime

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.core.incidents.record import conditioned


def orphaned(incident: AIIncident, now: datetime) -> AIIncidentStatus:
    """The status of an incident whose model is not there."""
    name = incident.spec.model_ref.name
    why = f"spec.modelRef.name: there is no ModelDeployment {name} in this namespace; make it, or delete this incident"
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
