"""Kubernetes Events: once each reason in an incident's life, by a deterministic name."""

from knowngood.api.aiincident import AIIncident
from knowngood.core.facts.clock import format_time
from knowngood.core.incidents.naming import event_name
from knowngood.shell import cluster as c

_LONGEST_NOTE = 1024
_GOOD_NEWS = frozenset({"IncidentRecovered", "IncidentClosed", "PlanApproved"})


async def tell(api: c.Cluster, incident: AIIncident, reason: str, message: str, now: float, reporter: str) -> None:
    """Write the Event; that it is there already is success. Raises ApiError."""
    meta = incident.metadata
    body = {
        "apiVersion": c.EVENTS.group_version,
        "kind": c.EVENTS.kind,
        "metadata": {"name": event_name(meta.name, meta.uid, reason), "namespace": meta.namespace},
        "eventTime": format_time(now)[:-1] + "000Z",
        "reportingController": "knowngood.dev/operator",
        "reportingInstance": reporter[:128],
        "action": reason,
        "reason": reason,
        "type": "Normal" if reason in _GOOD_NEWS else "Warning",
        "note": message[:_LONGEST_NOTE],
        "regarding": {
            "apiVersion": incident.api_version,
            "kind": "AIIncident",
            "namespace": meta.namespace,
            "name": meta.name,
            "uid": meta.uid,
        },
    }
    try:
        await api.create(c.EVENTS, meta.namespace, body)
    except c.ApiError as error:
        if not error.already_exists:
            raise
