"""Incidents that are over, and what still happens to them: a breach that was settled passes, a person judges one."""

import time
from collections.abc import Mapping

from knowngood.core.incidents import decisions, settled
from knowngood.core.incidents.bounds import fitted
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.record import is_over
from knowngood.shell import cluster as c
from knowngood.shell.guard import Guard
from knowngood.shell.store import Key, Store
from knowngood.shell.writes import refresh, write_status


class Ended:
    """Records it; where nothing happened nothing is asked and nothing written."""

    def __init__(self, api: c.Cluster, store: Store, guard: Guard) -> None:
        self._api, self._store, self._guard = api, store, guard

    async def follow(self, model: Key, views: Mapping[tuple[str, str], SignalView]) -> None:
        """Look at the model's incidents once. Raises ApiError."""
        for incident in self._store.incidents_of(model):
            if not is_over(incident):
                continue
            status = settled.passed(incident, views)
            if decisions.unheard(incident):
                await self._guard.check()
                found = incident.spec.disposition
                status = decisions.heard(status, found, self._guard.missing, moment(time.time()))
            if status is incident.status:
                continue
            key = (incident.metadata.namespace, incident.metadata.name)
            old, new = incident.status.to_object(), fitted(status.to_object())
            try:
                await write_status(self._api, self._store, c.INCIDENTS, key, old, new)
            except c.ApiError as error:
                if not error.conflict and not error.not_found:
                    raise
                await refresh(self._api, self._store, c.INCIDENTS, key)  # which wakes the model again
