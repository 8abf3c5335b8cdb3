"""One policy over a history: the operator's poller, and what it does about a verdict short of touching anything.

No response is carried out: history shows what came without one. So an incident stays open until its signals are healthy
again by themselves, or until another release is.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from knowngood.api.aiincident import AIIncident
from knowngood.api.base import rfc3339
from knowngood.api.evidence import Evidence
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentSignal
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.backtest.openings import Opening, opening_of
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.modelstatus import status_of
from knowngood.core.incidents.opening import incident_object
from knowngood.core.incidents.record import is_over
from knowngood.core.response import effects, machine
from knowngood.shell.asking import asked_whole
from knowngood.shell.board import Board
from knowngood.shell.facts import incident_facts, key_of, last_episode, model_facts, opening
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.poller import Poller
from knowngood.shell.replay.history import History
from knowngood.shell.replay.roster import Sighting
from knowngood.shell.replay.stage import Stage
from knowngood.shell.store import Key, Store

_MOST_STEPS = 50
Seen = Mapping[Key, Collection[Sighting]]


class World:
    """A policy and its models."""

    def __init__(self, policy: IncidentPolicy, history: History) -> None:
        self._store, self._lessons, self.board = Store(), Lessons(), Board()
        self._stage = Stage(self._store, policy)
        self._policies = Policies(self._store)
        self._woken: set[Key] = set()
        self._first: dict[str, dict[str, IncidentSignal]] = {}  # by incident, what each signal said at first
        self._poller = Poller(
            self._store,
            self._policies,
            self.board,
            {policy.spec.source_ref.name: history},
            lambda key: self._woken.add(key),
            lambda _: None,
            self._lessons,
            clock=lambda: history.clock,
            asking=asked_whole,
        )

    def add(self, model: ModelDeployment) -> None:
        """A model that is judged from the next tick on."""
        self._stage.add(model)

    async def tick(self, at: float, seen: Seen) -> None:
        """One poll, at ``at`` (seconds since the epoch), when the models export what is ``seen``."""
        now = moment(at)
        for key, sightings in seen.items():
            if key in self._stage and self._stage.see(key, sightings):
                self._write_status(key, now)
                self._woken.add(key)
        for group in self._policies.groups().values():
            await self._poller.poll(group, at)
        waiting = {(i.metadata.namespace, i.spec.model_ref.name) for i in self._store.open_incidents()}
        woken, self._woken = self._woken | waiting, set()
        for key in sorted(woken):
            self._reconcile(key, now)

    def podless(self, key: Key) -> bool:
        """Whether series of a model named a release and no pod."""
        return self._stage.podless(key)

    def openings(self) -> list[Opening]:
        """What opened so far, in the order of time."""
        found = [opening_of(i, self._first.get(i.metadata.name, {})) for i in self._store.incidents()]
        return sorted(found, key=lambda o: (o.at, o.model))

    def _reconcile(self, key: Key, now: datetime) -> None:
        model = self._store.model(key)
        if model is None:
            return
        incident = self._store.open_incident(key)
        if incident is None and (found := opening(self._store, self.board, model)):
            body = incident_object(model, last_episode(self._store, model) + 1, found[0], now)
            self._stage.create(body, rfc3339(now))
            incident = self._store.open_incident(key)
        if incident is not None:
            self._drive(model, (incident.metadata.namespace, incident.metadata.name), now)
        self._write_status(key, now)

    def _drive(self, model: ModelDeployment, name: Key, now: datetime) -> None:
        for _ in range(_MOST_STEPS):
            entry = self._store.entry("AIIncident", name)
            incident: AIIncident | None = entry.value if entry else None
            if incident is None or is_over(incident):
                return
            facts = incident_facts(self._store, self.board, self._policies, model, incident, now)
            match machine.decide(facts):
                case effects.Record(status) | effects.Tell(then=status):
                    self._record(name, status)
                case effects.FreezeEvidence(_, status):
                    kept = facts.with_status(status)
                    self._record(name, machine.evidence_frozen(kept, Evidence(frozen_at=now, took="0s")))
                case _:
                    return

    def _record(self, name: Key, status: AIIncidentStatus) -> None:
        first = self._first.setdefault(name[1], {})
        for signal in status.signals:
            first.setdefault(signal.name, signal)
        self._stage.write_status("AIIncident", name, status.to_object())

    def _write_status(self, key: Key, now: datetime) -> None:
        model = self._store.model(key)
        if model is None:
            return
        facts = model_facts(self._store, self.board, self._policies, self._lessons, model, now)
        old, new = model.status.to_object(), status_of(facts).to_object()
        if old != new:
            self._stage.write_status("ModelDeployment", key_of(model), new)
