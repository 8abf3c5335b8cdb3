"""Drives one model's incident: read, decide, do one thing, look again."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from knowngood.api.aiincident import AIIncident
from knowngood.api.common import Mode, Origin
from knowngood.api.conditions import Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.incidents.bounds import fitted
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.naming import incident_name
from knowngood.core.incidents.opening import SignalView, incident_object
from knowngood.core.incidents.ready import orphaned
from knowngood.core.incidents.record import is_over
from knowngood.core.response import alone, behind, effects, limits, machine
from knowngood.core.response.approval import rests_on_people
from knowngood.core.response.facts import Facts, Hold
from knowngood.core.response.mutation import Write
from knowngood.shell import cluster as c
from knowngood.shell import metrics
from knowngood.shell.board import Board
from knowngood.shell.ended import Ended
from knowngood.shell.evidence import freeze
from knowngood.shell.facts import incident_facts, last_episode, opening, others
from knowngood.shell.fencing import Fence
from knowngood.shell.guard import Guard
from knowngood.shell.hands import Hands, Known
from knowngood.shell.policies import Policies
from knowngood.shell.refusals import Refusals
from knowngood.shell.settings import Settings
from knowngood.shell.sources import PrometheusSource
from knowngood.shell.stop import Stop
from knowngood.shell.store import Key, Store
from knowngood.shell.telling import Teller
from knowngood.shell.writes import entry_of, refresh, write_status

log = structlog.get_logger()
_MOST_STEPS, _MOST_CONFLICTS = 50, 10
_MOST_NAMES = 10  # that are tried for one incident
_REST = 5.0  # seconds, for an incident that does not settle


class Incidents:
    """Opens incidents and takes them further."""

    def __init__(
        self,
        api: c.Cluster,
        store: Store,
        board: Board,
        policies: Policies,
        sources: Mapping[str, PrometheusSource],
        settings: Settings,
        stop: Stop,
        fence: Fence,
    ) -> None:
        self._api, self._store, self._board, self._policies = api, store, board, policies
        self._sources, self._settings, self._stop, self._fence = sources, settings, stop, fence
        self._guard = Guard(api, settings.admission.policy)
        self._ended = Ended(api, store, self._guard)
        self._teller = Teller(api, settings.leader_election.identity or "operator")
        self._hands = Hands(api, store, sources, lambda: stop.hold is not None)
        self._refusals = Refusals()
        self._since: datetime | None = None  # the first look, which a standby takes when it has become the leader
        self._let_in: set[str] = set()  # incidents whose first intent is being written

    async def reconcile(self, model: ModelDeployment) -> float | None:
        """Open or advance the model's incident; returns seconds until the next look, or None. Raises ApiError."""
        self._since = self._since or moment(time.time())
        key = (model.metadata.namespace, model.metadata.name)
        try:
            again = await self._advance(key, model)
        except c.ApiError:
            await self._behind(key)
            raise
        await self._behind(key)
        await self._ended.follow(key, self._board.of(key).views)
        return again

    async def _advance(self, key: Key, model: ModelDeployment) -> float | None:
        incident = self._store.open_incident(key)
        if incident is None:
            incident = await self._open(model)
        if incident is None:
            return None
        if is_over(incident):  # the name was taken by an episode that we had not seen yet; the next one is ours
            return 0.1
        await self._fence.passed(incident)
        name = (incident.metadata.namespace, incident.metadata.name)
        try:
            return await self._drive(key, name)
        finally:  # Events are written beside the containment and after its patch, which must not wait for them
            self._tell(name)

    def _tell(self, key: Key) -> None:
        entry = self._store.entry("AIIncident", key)
        if entry is not None and entry.value is not None:
            self._teller.follow(entry.value, moment(time.time()))

    async def _behind(self, model: Key) -> None:
        """Incidents that wait until the one that is worked on is over say so, and hear what people decide."""
        first = self._store.open_incident(model)
        if first is None:
            return
        for incident in self._store.incidents_of(model):
            if is_over(incident) or incident.metadata.uid == first.metadata.uid:
                continue
            key = (incident.metadata.namespace, incident.metadata.name)
            facts = self._facts(model, key)
            if facts is None:
                continue
            status = behind.waited(facts, first.metadata.name)
            if _decided(facts.incident):
                await self._guard.check()
                facts = await self._hands.equipped(self._facts(model, key) or facts, Known())
                status = behind.decided(facts.with_status(status))
            await self._write(incident, status)

    async def _write(self, incident: AIIncident, status: AIIncidentStatus) -> None:
        """Write the status of an incident that is not driven; after a conflict it is read again."""
        key = (incident.metadata.namespace, incident.metadata.name)
        old, new = incident.status.to_object(), fitted(status.to_object())
        try:
            await write_status(self._api, self._store, c.INCIDENTS, key, old, new)
        except c.ApiError as error:
            if not error.conflict and not error.not_found:
                raise
            await refresh(self._api, self._store, c.INCIDENTS, key)  # which wakes the model again
        self._tell(key)

    async def without_model(self, model: Key) -> float | None:
        """Incidents whose model is not there say so; all that is done about them is what people decide."""
        for incident in self._store.incidents_of(model):
            if is_over(incident):
                continue
            now = moment(time.time())
            status = orphaned(incident, now)
            if _decided(incident):
                await self._guard.check()
                status = alone.decided(incident, status, self._guard.missing, now)
            await self._write(incident, status)
        return None

    async def _open(self, model: ModelDeployment) -> AIIncident | None:
        found = opening(self._store, self._board, model)
        if not found:
            return None
        for _ in range(_MOST_NAMES):
            episode = self._next_episode(model)
            opened = await self._opened(model, episode, found[0])
            if opened.spec.model_ref.name == model.metadata.name:
                return opened
        raise c.ApiError(
            0, "NamesTaken", f"{_MOST_NAMES} names of incidents were taken by others'; more are tried later"
        )

    def _next_episode(self, model: ModelDeployment) -> int:
        """The number after the last one; one whose name an incident of another model has counts as used."""
        episode = last_episode(self._store, model) + 1
        while True:
            key = (model.metadata.namespace, incident_name(model.metadata.name, model.metadata.uid, episode))
            entry = self._store.entry("AIIncident", key)
            other = entry.value.spec.model_ref.name if entry and entry.value else model.metadata.name
            if other == model.metadata.name:
                return episode
            log.warning("name taken by another model's incident", namespace=key[0], incident=key[1], model=other)
            episode += 1

    async def _opened(self, model: ModelDeployment, episode: int, first: SignalView) -> AIIncident:
        """The incident of that name: made, or as it is there."""
        body = incident_object(model, episode, first, moment(time.time()))
        name = incident_name(model.metadata.name, model.metadata.uid, episode)
        try:
            raw = await self._api.create(c.INCIDENTS, model.metadata.namespace, body)
            metrics.INCIDENTS_OPENED.labels(first.signal.type.value, first.signal.severity.value).inc()
        except c.ApiError as error:
            if not error.already_exists:
                raise
            raw = await self._api.get(c.INCIDENTS, model.metadata.namespace, name)
        self._store.apply(raw)
        return AIIncident.from_object(raw)

    async def _drive(self, model_key: Key, key: Key) -> float | None:
        conflicts, known = 0, Known()
        await self._look_before_another_try(model_key, key)
        for _ in range(_MOST_STEPS):
            facts = self._facts(model_key, key)
            if facts is None:
                self._refusals.over(key)
                return None
            if _people_decide(facts):
                await self._guard.check()
                facts = self._facts(model_key, key) or facts
            facts = await self._hands.equipped(facts, known)
            effect = machine.decide(facts)
            if isinstance(effect, effects.Wait):
                self._refusals.over(key)
                return effect.seconds
            try:
                await self._do(effect, facts, known)
            except c.ApiError as error:
                if not error.conflict:
                    raise
                await self._hands.read_again(facts)
                known.things.clear()
                conflicts += 1
            if conflicts >= _MOST_CONFLICTS:  # refused for good, it would seem; each look asks the sources for evidence
                break
        log.error("incident does not settle", namespace=key[0], incident=key[1])
        return _REST

    async def _look_before_another_try(self, model_key: Key, key: Key) -> None:
        """Where writes are refused, one may have gone through all the same, and only its answer was lost."""
        facts = self._facts(model_key, key)
        if facts is not None and facts.refusal is not None:
            await self._hands.read_again(facts)

    def _facts(self, model_key: Key, key: Key) -> Facts | None:
        entry, model = self._store.entry("AIIncident", key), self._store.model(model_key)
        incident = entry.value if entry else None
        if incident is None or model is None or is_over(incident):
            return None
        facts = incident_facts(self._store, self._board, self._policies, model, incident, moment(time.time()))
        return replace(
            facts,
            registries=tuple(self._settings.registries.allowed),
            since=self._since,
            hold=self._hold(incident, facts.policy, others(self._store, incident)),
            refusal=self._refusals.of(key, incident.status),
            unguarded=self._guard.missing,
        )

    def _hold(self, incident: AIIncident, policy: IncidentPolicy | None, others: list[AIIncident]) -> Hold | None:
        if self._stop.hold is not None:
            return self._stop.hold
        name = incident.spec.model_ref.name
        model = self._store.model((incident.metadata.namespace, name))
        if model is not None and model.spec.suspend:
            return Hold(
                Reason.SUSPENDED, f"spec.suspend of ModelDeployment {name} is true; nothing is changed meanwhile"
            )
        most = self._settings.limits.max_concurrent_containments
        let_in = self._let_in - {incident.metadata.uid}
        neighbours = limits.Neighbours(self._store.ledger, tuple(others), let_in, self._policies.most_contained())
        return limits.hold(incident, policy, neighbours, most, moment(time.time()))

    async def _do(self, effect: effects.Effect, facts: Facts, known: Known) -> None:
        match effect:
            case effects.Record(status):
                await self._record(facts, status)
            case effects.FreezeEvidence(budget, status):
                limit, most = min(budget, self._settings.evidence.max_budget), self._settings.evidence.max_points
                found = await freeze(facts.with_status(status), limit, self._api, self._sources, most)
                now = self._later(facts)
                ready = await self._hands.equipped(now.with_status(status), known)
                await self._record(now, machine.evidence_frozen(ready, found))
            case effects.Apply(mutation):
                await self._apply(mutation, facts)
                known.things.clear()
            case effects.Tell(reason, message, _, then):
                await self._teller.tell(facts.incident, reason, message, time.time())
                await self._record(facts, then)

    def _later(self, facts: Facts) -> Facts:
        """The same incident, with the world as it is after gathering evidence took its time."""
        key = (facts.model.metadata.namespace, facts.model.metadata.name)
        fresh = self._facts(key, (facts.incident.metadata.namespace, facts.incident.metadata.name))
        if fresh is None or fresh.incident.metadata.resource_version != facts.incident.metadata.resource_version:
            raise c.ApiError(409, "Conflict", "the incident was written while evidence was gathered")
        return fresh

    async def _record(self, facts: Facts, status: AIIncidentStatus) -> None:
        meta, old = facts.incident.metadata, facts.incident.status
        key = (meta.namespace, meta.name)
        entry = entry_of(self._store, c.INCIDENTS, key)
        if str(entry.version) != meta.resource_version:
            raise c.ApiError(409, "Conflict", "the incident was written since it was read")
        with self._room_for(facts, status):
            new = fitted(status.to_object())
            await write_status(self._api, self._store, c.INCIDENTS, key, old.to_object(), new)
        self._count(old, status)

    @contextlib.contextmanager
    def _room_for(self, facts: Facts, status: AIIncidentStatus) -> Iterator[None]:
        """Two that were let in at once must not both take the last place: the check and the claim are one."""
        uid = facts.incident.metadata.uid
        if limits.takes_room(facts.incident.status) or not limits.takes_room(status):
            yield
            return
        others = self._store.incidents_of((facts.incident.metadata.namespace, facts.incident.spec.model_ref.name))
        if self._hold(facts.incident, facts.policy, others) is not None:
            raise c.ApiError(409, "Conflict", "the place was taken by another incident")
        self._let_in.add(uid)
        try:
            yield
        finally:
            self._let_in.discard(uid)

    def tell_again(self) -> None:
        """On taking over: whoever recorded something a moment ago may not have lived to tell it."""
        for incident in self._store.incidents():
            self._teller.follow(incident, moment(time.time()))

    def _count(self, old: AIIncidentStatus, new: AIIncidentStatus) -> None:
        if new.contained_at and not old.contained_at and new.opened_at:
            metrics.TIME_TO_CONTAIN.observe((new.contained_at - new.opened_at).total_seconds())
        if new.phase is not old.phase and new.phase is not None and new.plan is not None:
            metrics.PHASES.labels(new.phase.value).inc()

    async def _apply(self, mutation: Write, facts: Facts) -> None:
        if self._stop.hold is not None:
            raise c.ApiError(409, "Conflict", "everything that touches workloads is stopped")
        key = (facts.incident.metadata.namespace, facts.incident.metadata.name)
        try:
            await self._hands.apply(mutation)
            self._refusals.over(key)
        except c.ApiError as error:
            if error.status not in {400, 403, 404, 422}:
                if not error.not_leading:
                    self._refusals.add(key, facts.incident.status, error.message, moment(time.time()))
                raise
            await self._record(facts, machine.refused_by_server(facts, error.message))


def _people_decide(facts: Facts) -> bool:
    """Whether it rests on a person's word, or its plan, which is still to be made, may."""
    spec, plan = facts.incident.spec, facts.incident.status.plan
    if _decided(facts.incident):
        return True
    if plan is not None:
        return rests_on_people(plan)
    responses = facts.policy.spec.responses if facts.policy else []
    return spec.origin is not Origin.SIGNAL or any(r.mode is Mode.APPROVAL for r in responses)


def _decided(incident: AIIncident) -> bool:
    """Whether a person has written a decision."""
    spec = incident.spec
    written = (spec.acknowledgement, spec.approval, spec.disposition, spec.close_request)
    return any(d is not None for d in written) or bool(spec.gates)
