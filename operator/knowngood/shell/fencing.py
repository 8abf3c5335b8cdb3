"""On taking over: touch each open incident and, where it may act, its target and what a step of it was about to patch.

A former leader that was stopped in the middle of a step wakes up with resourceVersions that no longer hold, so the
API server refuses what it still wanted to write. An empty patch would not move a resourceVersion; an annotation does.
"""

from collections.abc import Callable

import structlog

from knowngood.api import GROUP
from knowngood.api.aiincident import AIIncident
from knowngood.api.common import Mode
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.plan import Plan, StepState
from knowngood.core.response.needs import in_flight
from knowngood.shell import cluster as c
from knowngood.shell.ownership import give_back
from knowngood.shell.store import Key, Store
from knowngood.shell.writes import entry_of, refresh

log = structlog.get_logger()
ANNOTATION = f"{GROUP}/fenced-by"
_TRIES = 5


class Fence:
    """The incidents that were open when this term began, until each is touched; ``token`` names the term.

    Each is touched by whoever is about to take it further, and holds up nobody else where that is refused.
    """

    def __init__(self, api: c.Cluster, store: Store, token: str, stopped: Callable[[], bool]) -> None:
        self._api, self._store, self._token, self._stopped = api, store, token, stopped
        self._untouched = {(i.metadata.namespace, i.metadata.name) for i in store.open_incidents()}
        self._half: set[Key] = set()  # touched, but not their targets

    async def passed(self, incident: AIIncident) -> None:
        """Touch the incident and its target, unless that is done; raises ApiError, and nothing may be done then."""
        key = (incident.metadata.namespace, incident.metadata.name)
        if key not in self._untouched:
            return
        if key not in self._half:
            await self._touch(c.INCIDENTS, key)
            self._half.add(key)
        entry = self._store.entry(c.INCIDENTS.kind, key)  # a touch may have met what a predecessor wrote meanwhile
        targets = self._targets(incident if entry is None or entry.value is None else entry.value)
        if targets:
            if self._stopped():
                return  # nothing of the user's while all is stopped; nothing else is written to it either
            for target in targets:
                await self._touch(*target)
        self._untouched.discard(key)
        self._half.discard(key)

    async def run(self) -> None:
        """Touch those that no model of ours would take further; a former leader may know theirs."""
        for incident in self._store.open_incidents():
            if self._store.model((incident.metadata.namespace, incident.spec.model_ref.name)) is None:
                try:
                    await self.passed(incident)
                except c.ApiError as error:
                    log.warning("not fenced", incident=incident.metadata.name, error=str(error))

    def _targets(self, incident: AIIncident) -> list[tuple[c.Resource, Key]]:
        plan, namespace = incident.status.plan, incident.metadata.namespace
        if plan is None or plan.target is None or plan.mode is Mode.DRY_RUN:
            return []
        if not _may_be_written(incident.status.phase, plan) or plan.target.kind not in c.WORKLOADS:
            return []
        model = self._store.model((namespace, incident.spec.model_ref.name))
        beside = in_flight(incident.status, model) if model is not None else ()
        workload = (c.WORKLOADS[plan.target.kind], (namespace, plan.target.name))
        return [workload, *((c.KINDS[ref.kind], (namespace, ref.name)) for ref in beside)]

    async def _touch(self, resource: c.Resource, key: Key) -> None:
        for _ in range(_TRIES):
            try:
                uid, version = await self._seen(resource, key)
                body = {"metadata": {"annotations": {ANNOTATION: self._token}}}
                written = await self._api.patch(resource, *key, body, uid=uid, resource_version=version)
                if resource is not c.INCIDENTS:  # whoever was killed may not have come to it
                    written = await give_back(self._api, resource, written)
                if self._store.keeps(resource.kind):
                    self._store.apply(written)
                return
            except c.ApiError as error:
                if error.not_found or error.status in {403, 422}:
                    log.warning("not fenced", kind=resource.kind, namespace=key[0], name=key[1], error=str(error))
                    return
                if not error.conflict:
                    raise
                if self._store.keeps(resource.kind):
                    await refresh(self._api, self._store, resource, key)
        # no conflict, after which one would look again at once
        raise c.ApiError(0, "NotFenced", f"{resource.kind} {key[0]}/{key[1]} could not be touched; it is tried again")

    async def _seen(self, resource: c.Resource, key: Key) -> tuple[str, str]:
        """Identity and version: as kept, or read where such objects are not."""
        if self._store.keeps(resource.kind):
            entry = entry_of(self._store, resource, key)
            return entry.uid, str(entry.version)
        meta = (await self._api.get(resource, *key))["metadata"]
        return meta["uid"], meta["resourceVersion"]


def _may_be_written(phase: IncidentPhase | None, plan: Plan) -> bool:
    """Not while a person is still to approve, save for a step that says that it is under way."""
    under_way = any(step.state in {StepState.INTENDED, StepState.UNDOING} for step in plan.steps)
    return under_way or phase is not IncidentPhase.AWAITING_APPROVAL
