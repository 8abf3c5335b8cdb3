"""What a leader runs: the poller, and the queues that turn its verdicts into status and incidents."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import structlog

from knowngood.api.aiincident import AIIncident
from knowngood.api.common import WorkloadKind
from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.playbook import PlaybookStatus
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.modelstatus import ModelFacts, status_of
from knowngood.core.incidents.policystatus import Said, policy_status, ready_condition
from knowngood.core.incidents.signalconditions import remarked
from knowngood.core.response.knowngood import refusal_of_pin
from knowngood.core.response.playbooks import unheeded
from knowngood.core.signals.answer import DataState
from knowngood.shell import cluster as c
from knowngood.shell import metrics
from knowngood.shell.board import Board
from knowngood.shell.facts import model_facts
from knowngood.shell.fencing import Fence
from knowngood.shell.incidents import Incidents
from knowngood.shell.keeper import Keeper
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.poller import Poller
from knowngood.shell.settings import Settings
from knowngood.shell.sources import PrometheusSource
from knowngood.shell.stop import Stop
from knowngood.shell.store import Key, Store
from knowngood.shell.unread import Unread
from knowngood.shell.waiting import Waiting
from knowngood.shell.watched import Watched
from knowngood.shell.workqueue import Backoff, WorkQueue
from knowngood.shell.writes import refresh, write_status

log = structlog.get_logger()
_WORKERS = 16
_TRIES = 3  # of a write that conflicts, each on what was read since


class Engine:
    """One term of leadership; all of its memory goes with it."""

    def __init__(
        self, api: c.Cluster, store: Store, sources: Mapping[str, PrometheusSource], settings: Settings
    ) -> None:
        self._api, self._store, self._settings, self._sources = api, store, settings, sources
        self._board, self._lessons = Board(), Lessons()
        self._policies = Policies(store)
        self._models = WorkQueue("ModelDeployment", self._model, _WORKERS)
        self._policy_queue = WorkQueue("IncidentPolicy", self._policy, 2)
        self._poller = Poller(
            store, self._policies, self._board, sources, self._models.add, self._policy_queue.add, self._lessons
        )
        self._keeper = Keeper(
            api, store, self._policies, self._board, self._lessons, self._poller.windows, self._policy_queue.add
        )
        self._poller.ready = self._keeper.ready
        self._playbooks = WorkQueue("Playbook", self._playbook, 2)
        namespace = settings.leader_election.namespace or "default"
        self._stop = Stop(api, settings.emergency_stop, namespace, self._wake_open)
        token = f"{settings.leader_election.identity or 'operator'}/{time.time_ns()}"
        self._fence = Fence(api, store, token, lambda: self._stop.hold is not None)
        self._unread = Unread(api, store)
        self._rest = Backoff()  # of kind and key: statuses that could not be written
        self._unproven = Backoff()  # of models with a release that admission does not let be proven
        self._incidents = Incidents(api, store, self._board, self._policies, sources, settings, self._stop, self._fence)

    async def run(self) -> None:
        """Work until cancelled; what was open before is touched before it is taken further."""
        await self._stop.read()
        waiting, watched = Waiting(self._store), Watched(self._store)
        self._incidents.tell_again()
        self._store.subscribe(self._on_change)
        for model in self._store.models():
            self._models.add((model.metadata.namespace, model.metadata.name))
        for policy in self._store.policies():
            self._policy_queue.add((policy.metadata.namespace, policy.metadata.name))
        for playbook in self._store.playbooks():
            self._playbooks.add((playbook.metadata.namespace, playbook.metadata.name))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._models.run())
                group.create_task(self._policy_queue.run())
                group.create_task(self._playbooks.run())
                group.create_task(self._stop.run())
                group.create_task(self._fence.run())
                group.create_task(self._unread.run())
                group.create_task(self._poller.run())
                group.create_task(self._keeper.run())
        finally:
            waiting.close()
            watched.close()
            self._store.unsubscribe(self._on_change)
            self._policies.close()

    def _on_change(self, kind: str, key: Key, value: object) -> None:
        """Wake the models, policies and playbooks that a change may concern."""
        match kind:
            case "ModelDeployment":
                self._on_model(key, value)
            case "IncidentPolicy":
                self._policy_queue.add(key)
                for model in self._store.models(key[0]):
                    self._models.add((key[0], model.metadata.name))
            case "Playbook":
                self._playbooks.add(key)
                for policy in self._store.policies(key[0]):
                    self._policy_queue.add((key[0], policy.metadata.name))
            case "Pod" | "Deployment" | "StatefulSet" | "Rollout":
                for model_key in self._store.concerned(kind, key, value):
                    self._models.add(model_key)
        if isinstance(value, AIIncident):
            self._models.add((key[0], value.spec.model_ref.name))

    def _on_model(self, key: Key, value: object) -> None:
        if value is None:
            self._board.drop(key)
            self._lessons.drop(key)
            self._keeper.forget(key)
            self._rest.over((c.MODELS.kind, *key))
            self._unproven.over(key)
        self._models.add(key)
        for policy in list(self._policies.policies_of(key)):
            self._policy_queue.add(policy)

    def _wake_open(self) -> None:
        for incident in self._store.open_incidents():
            self._models.add((incident.metadata.namespace, incident.spec.model_ref.name))

    async def _model(self, key: Key) -> float | None:
        model = self._store.model(key)
        if model is None:
            return await self._incidents.without_model(key)
        if model.metadata.deletion_timestamp is not None:
            return None
        again, failure = await self._reconciled(model)
        await self._told(key)  # whatever became of the incident, the model's state is told
        if failure is not None:
            raise failure
        return again

    async def _reconciled(self, model: ModelDeployment) -> tuple[float | None, Exception | None]:
        """When to look again, or what failed; a cancellation, by which a term ends, passes through."""
        try:
            return await self._incidents.reconcile(model), None
        except Exception as error:
            conflict = isinstance(error, c.ApiError) and error.conflict
            return (0.0, None) if conflict else (None, error)

    async def _told(self, key: Key) -> None:
        """Write the model's status; where that fails it is left alone for a while, and its incident is not."""
        mark = (c.MODELS.kind, *key)
        if left := self._rest.left(mark):
            self._models.add_later(key, left)
            return
        try:
            refused = await self._write_model_status(key)
        except Exception as error:
            if isinstance(error, c.ApiError) and error.not_leading:
                raise
            again = self._rest.failed(mark)
            metrics.RECONCILE_ERRORS.labels(c.MODELS.kind).inc()
            trace = None if isinstance(error, c.ApiError) else error
            where = {"namespace": key[0], "model": key[1]}
            log.warning("status not written", error=str(error), exc_info=trace, again_in=again, **where)
            self._models.add_later(key, again)
        else:
            self._rest.over(mark)
            if refused:  # perhaps by what the API server has not read yet; nothing else may ever wake this model
                self._models.add_later(key, self._unproven.failed(key))
            else:
                self._unproven.over(key)

    async def _write_model_status(self, key: Key) -> bool:
        """Whether admission refused to mark a release as proven; the rest is written all the same."""
        refused, conflict = "", None
        for _ in range(_TRIES):
            model = self._store.model(key)
            if model is None:
                return False
            old, new = model.status, status_of(replace(self._model_facts(key), proof_refused=refused))
            try:
                await write_status(self._api, self._store, c.MODELS, key, old.to_object(), new.to_object())
                return bool(refused)
            except c.ApiError as error:
                if error.not_found:
                    return False
                if error.status == 403 and not refused:
                    refused = error.message
                elif error.conflict:
                    conflict = error
                    await refresh(self._api, self._store, c.MODELS, key)
                else:
                    raise
        if conflict is not None:
            raise conflict
        return bool(refused)

    def _model_facts(self, key: Key) -> ModelFacts:
        model = self._store.model(key)
        if model is None:
            raise c.ApiError(404, "NotFound", f"ModelDeployment {key[0]}/{key[1]} is gone")
        now = moment(time.time())
        facts = model_facts(self._store, self._board, self._policies, self._lessons, model, now)
        unwatched = model.spec.workload_ref.kind is WorkloadKind.ROLLOUT and not self._settings.watch.rollouts
        return replace(facts, pin_refused=self._pin_refused(facts), watched=not unwatched)

    def _pin_refused(self, facts: ModelFacts) -> tuple[Reason, str] | None:
        if facts.workload is None:
            return None
        implicated = frozenset(s.digest for s in facts.suspicions if s.ongoing)
        registries = tuple(self._settings.registries.allowed)
        return refusal_of_pin(facts.model, facts.workload, facts.container, registries, implicated)

    async def _policy(self, key: Key) -> float | None:
        policy, found = self._store.policy(key), self._policies.compiled(key)
        if policy is None or found is None:
            self._rest.over((c.POLICIES.kind, *key))
            self._poller.forget(key)
            return None
        compiled, models = found
        names = {p.metadata.name for p in self._store.playbooks(key[0])}
        now = moment(time.time())
        said, kept = self._source_said(key), self._keeper.said(key)
        status = policy_status(policy, compiled, len(models), names, self._sources, said, now, kept)
        return await self._written(c.POLICIES, key, policy.status.to_object(), status.to_object())

    async def _playbook(self, key: Key) -> float | None:
        playbook = self._store.playbook(key)
        if playbook is None:
            self._rest.over((c.PLAYBOOKS.kind, *key))
            return None
        generation, old = playbook.metadata.generation, playbook.status
        conditions = ready_condition(old.conditions, unheeded(playbook), generation, moment(time.time()))
        status = PlaybookStatus(observed_generation=generation, conditions=conditions)
        return await self._written(c.PLAYBOOKS, key, old.to_object(), status.to_object())

    async def _written(self, resource: c.Resource, key: Key, old: c.Raw, new: c.Raw) -> float | None:
        try:
            await write_status(self._api, self._store, resource, key, old, new)
        except c.ApiError as error:
            if not error.conflict:
                raise
            await refresh(self._api, self._store, resource, key)
            return self._rest.failed((resource.kind, *key))
        self._rest.over((resource.kind, *key))
        return None

    def _source_said(self, key: Key) -> Said:
        state, message = self._poller.source_states.get(key, (None, "not asked yet"))
        if state is None:
            return ConditionStatus.UNKNOWN, Reason.NOT_JUDGED.value, message
        if state is DataState.OK:
            fine = ConditionStatus.TRUE, Reason.AVAILABLE.value, "the source answers"
            return remarked(self._poller.remarks.get(key, {})) or fine
        return ConditionStatus.FALSE, state.value, message
