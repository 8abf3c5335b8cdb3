"""Objects that were accepted and cannot be read: each says so in its own Ready, and disturbs no other."""

import time

import structlog

from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.ready import with_unread
from knowngood.shell import cluster as c
from knowngood.shell import metrics
from knowngood.shell.store import Key, Store
from knowngood.shell.workqueue import WorkQueue

log = structlog.get_logger()
_OURS = {r.kind: r for r in (c.MODELS, c.POLICIES, c.PLAYBOOKS, c.INCIDENTS)}


class Unread:
    """Writes what is wrong with such objects."""

    def __init__(self, api: c.Cluster, store: Store) -> None:
        self._api, self._store = api, store
        self._queue = WorkQueue("Unread", self._tell, 2)

    async def run(self) -> None:
        """Tell of all that are there, and of each that comes, until cancelled."""
        self._store.subscribe(self._on_change)
        try:
            for kind in _OURS:
                for key in self._store.snapshot(kind):
                    self._on_change(kind, key, None)
            await self._queue.run()
        finally:
            self._store.unsubscribe(self._on_change)

    def _on_change(self, kind: str, key: Key, _: object) -> None:
        entry = self._store.entry(kind, key)
        if kind in _OURS and entry is not None and entry.problem:
            self._queue.add((kind, "/".join(key)))

    async def _tell(self, item: Key) -> float | None:
        kind, (namespace, _, name) = item[0], item[1].partition("/")
        entry = self._store.entry(kind, (namespace, name))
        if entry is None or not entry.problem:
            return None
        try:
            raw = await self._api.get(_OURS[kind], namespace, name)
            said = raw.get("status", {}).get("conditions", [])
            conditions = with_unread(said, entry.problem, raw["metadata"].get("generation", 0), moment(time.time()))
            if conditions != said:
                metrics.NOT_UNDERSTOOD.labels(kind).inc()
                await self._write(kind, raw, conditions)
        except c.ApiError as error:
            if error.conflict:
                return 0.0
            if not error.not_found:
                raise
        return None

    async def _write(self, kind: str, raw: c.Raw, conditions: list[c.Raw]) -> None:
        meta = raw["metadata"]
        written = await self._api.patch(
            _OURS[kind],
            meta["namespace"],
            meta["name"],
            {"status": {"conditions": conditions}},
            uid=meta["uid"],
            resource_version=meta["resourceVersion"],
            sub="status",
        )
        self._store.apply(written)
