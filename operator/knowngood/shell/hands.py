"""What an incident's steps do to the cluster: read the objects that they need, and apply what they want written."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog

from knowngood.core.facts.things import Lookup, Ref, read_thing
from knowngood.core.response.facts import Facts
from knowngood.core.response.jsonpatch import operations
from knowngood.core.response.mutation import Creation, Mutation, Target, Write
from knowngood.core.response.needs import asks, needs
from knowngood.core.signals.answer import Answer, DataState, failed
from knowngood.shell import cluster as c
from knowngood.shell.ownership import give_back
from knowngood.shell.sources import PrometheusSource
from knowngood.shell.store import Store
from knowngood.shell.writes import refresh

log = structlog.get_logger()
_ADMISSION_LAGS = (0.3, 1.0)  # seconds between tries of a write that admission refuses
_CUSTOM = frozenset({c.MODELS.kind})
_BY_OPERATIONS = frozenset({c.ROLLOUTS.kind})  # custom, and with lists that merge by name


@dataclass
class Known:
    """What was read and asked during one look at an incident."""

    things: dict[Ref, Lookup] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)


class Hands:
    """Reads and writes for one incident at a time; what it read is kept by the caller, for one look."""

    def __init__(
        self, api: c.Cluster, store: Store, sources: Mapping[str, PrometheusSource], stopped: Callable[[], bool]
    ) -> None:
        self._api, self._store, self._sources, self._stopped = api, store, sources, stopped

    async def equipped(self, facts: Facts, known: Known) -> Facts:
        """The facts with what the plan's steps need, read and asked where it is not known yet. Raises ApiError."""
        for ref in needs(facts):
            if ref not in known.things:
                known.things[ref] = await self._looked(facts.incident.metadata.namespace, ref)
        for query in asks(facts):
            if query not in known.answers:
                known.answers[query] = await self._answered(facts, query)
        return replace(facts, things=dict(known.things), answers=dict(known.answers))

    async def _answered(self, facts: Facts, query: str) -> Answer:
        name = facts.policy.spec.source_ref.name if facts.policy else ""
        source = self._sources.get(name)
        if source is None:
            return failed(DataState.NO_SOURCE, f"the administrator named no source {name}")
        return await source.query(query)

    async def _looked(self, namespace: str, ref: Ref) -> Lookup:
        try:
            return Lookup(read_thing(await self._api.get(c.KINDS[ref.kind], namespace, ref.name)))
        except c.ApiError as error:
            if error.passing:
                raise
            return Lookup() if error.not_found else Lookup(problem=f"{ref} cannot be read: {error.message}")

    async def apply(self, write: Write) -> None:
        """Write it; what was answered goes into the store where such objects are kept. Raises ApiError."""
        target = write if isinstance(write, Creation) else write.target
        written = await self._accepted(write)
        made = isinstance(write, Creation)
        log.info("made" if made else "patched", kind=target.kind, namespace=target.namespace, name=target.name)
        if written is not None and self._store.keeps(target.kind):
            self._store.apply(written)

    async def _accepted(self, write: Write) -> c.Raw | None:
        """What was accepted. Admission may not have seen yet what was written a moment ago: it is asked again."""
        waits = iter(_ADMISSION_LAGS)
        while True:
            try:
                return await (self._made(write) if isinstance(write, Creation) else self._patched(write))
            except c.ApiError as error:
                wait = next(waits, None)
                if error.status != 403 or wait is None:
                    raise
                await asyncio.sleep(wait)
                if self._stopped():
                    raise c.ApiError(409, "Conflict", "everything that touches workloads is stopped") from error

    async def _made(self, creation: Creation) -> c.Raw | None:
        try:
            return await self._api.create(c.KINDS[creation.kind], creation.namespace, dict(creation.body))
        except c.ApiError as error:
            if not error.already_exists:
                raise
            return None  # whose it is shows at the next look

    async def _patched(self, mutation: Mutation) -> c.Raw:
        target, resource = mutation.target, c.KINDS[mutation.target.kind]
        if target.kind in _BY_OPERATIONS:
            return await give_back(self._api, resource, await self._operated(mutation))
        written = await self._api.patch(
            resource,
            target.namespace,
            target.name,
            dict(mutation.patch),
            uid=target.uid,
            resource_version=target.resource_version,
            sub=mutation.sub or None,
            content_type=c.MERGE if target.kind in _CUSTOM else c.STRATEGIC,
        )
        return written if mutation.sub else await give_back(self._api, resource, written)

    async def _operated(self, mutation: Mutation) -> c.Raw:
        """Worked out on the object as it is, which has to be the one that was decided on."""
        target = mutation.target
        where = (c.KINDS[target.kind], target.namespace, target.name)
        found = await self._api.get(*where)
        _still(found, target)
        steps = operations(found, mutation.patch)
        try:
            return await self._api.operate(*where, steps, uid=target.uid, resource_version=target.resource_version)
        except c.ApiError as error:
            if error.status == 422:  # so it says where a test did not hold, as well
                _still(await self._api.get(*where), target)
            raise

    async def read_again(self, facts: Facts) -> None:
        """The incident, its model and their workload as they are now, after a conflict. Raises ApiError."""
        meta, ref = facts.incident.metadata, facts.model.spec.workload_ref
        await refresh(self._api, self._store, c.INCIDENTS, (meta.namespace, meta.name))
        await refresh(self._api, self._store, c.MODELS, (meta.namespace, facts.model.metadata.name))
        for name in facts.kept:
            await refresh(self._api, self._store, c.PODS, (meta.namespace, name))
        await refresh(self._api, self._store, c.WORKLOADS[ref.kind.value], (meta.namespace, ref.name))


def _still(found: c.Raw, target: Target) -> None:
    """Raises the ApiError of a conflict where somebody wrote since."""
    meta = found["metadata"]
    if (meta["uid"], meta["resourceVersion"]) != (target.uid, target.resource_version):
        raise c.ApiError(409, "Conflict", f"{target.kind} {target.namespace}/{target.name} was changed meanwhile")
