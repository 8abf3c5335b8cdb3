"""On taking over: touch each open incident and, where it may act, its target.

A former leader that was stopped in the middle of a step wakes up with resourceVersions that no longer hold, so the
API server refuses what it still wanted to write. An empty patch would not move a resourceVersion; an annotation does.
"""

import asyncio
from collections.abc import Callable

import structlog

from knowngood.api import GROUP
from knowngood.api.aiincident import AIIncident
from knowngood.api.common import Mode
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.shell import cluster as c
from knowngood.shell.store import Key, Store
from knowngood.shell.writes import entry_of, refresh

log = structlog.get_logger()
ANNOTATION = f"{GROUP}/fenced-by"
_TRIES = 5


async def fence(api: c.Cluster, store: Store, token: str, stopped: Callable[[], bool]) -> None:
    """Touch everything that a former leader might still write, but no workload while all is stopped.

    ``token`` names this term.
    """
    for incident in store.open_incidents():
        key = (incident.metadata.namespace, incident.metadata.name)
        await _touch(api, store, c.INCIDENTS, key, token)
        target = _target(incident)
        if target is not None and not stopped():
            await _touch(api, store, *target, token)


def _target(incident: AIIncident) -> tuple[c.Resource, Key] | None:
    plan = incident.status.plan
    if plan is None or plan.target is None or plan.mode is Mode.DRY_RUN:
        return None
    if incident.status.phase is IncidentPhase.AWAITING_APPROVAL or plan.target.kind not in c.WORKLOADS:
        return None
    return c.WORKLOADS[plan.target.kind], (incident.metadata.namespace, plan.target.name)


async def _touch(api: c.Cluster, store: Store, resource: c.Resource, key: Key, token: str) -> None:
    for attempt in range(_TRIES):
        try:
            entry = entry_of(store, resource, key)
            body = {"metadata": {"annotations": {ANNOTATION: token}}}
            written = await api.patch(resource, *key, body, uid=entry.uid, resource_version=str(entry.version))
            store.apply(written)
            return
        except c.ApiError as error:
            if error.not_found or error.status in {403, 422}:
                log.warning("not fenced", kind=resource.kind, namespace=key[0], name=key[1], error=str(error))
                return
            if error.conflict:
                await refresh(api, store, resource, key)
            else:
                await asyncio.sleep(min(0.2 * 2**attempt, 5.0))
    raise c.ApiError(409, "Conflict", f"{resource.kind} {key[0]}/{key[1]} could not be touched")
