"""What drives incidents, over an API server in memory: writes that are refused, and incidents that stand in line."""

import asyncio
import copy
from typing import Any, cast

import pytest

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import ConditionType, Reason, find_condition
from knowngood.api.observed import Verdict
from knowngood.api.plan import StepState
from knowngood.core.incidents.naming import incident_name
from knowngood.shell import cluster as c
from knowngood.shell.board import Board
from knowngood.shell.fencing import Fence
from knowngood.shell.incidents import Incidents
from knowngood.shell.policies import Policies
from knowngood.shell.settings import Settings
from knowngood.shell.settings_model import Admission
from knowngood.shell.stop import Stop
from knowngood.shell.store import Store
from tests import builders as b
from tests.loop import MODEL, raw_deployment, raw_model, raw_pod, raw_policy
from tests.unit.shell.test_guards import GOOD
from tests.unit.shell.test_writes import merged

pytestmark = pytest.mark.unit
DOWN = c.ApiError(500, "InternalError", "failed calling webhook check.example.org: connection refused")


class Api:
    """Objects as the API server has them; of the writes to Deployments it refuses those that are listed, or all."""

    def __init__(self, store: Store) -> None:
        self.store, self.version = store, 100
        self.there: dict[tuple[str, str], c.Raw] = {}
        self.refuses: c.ApiError | None = None
        self.commits = False  # what it refuses is written all the same
        self.patches: list[str] = []
        self.statuses = 0

    def put(self, raw: c.Raw, told: bool = True) -> c.Raw:
        """A write, of which this process hears at once where it is ``told``."""
        self.version += 1
        raw = copy.deepcopy(raw)
        raw["metadata"]["resourceVersion"] = str(self.version)
        self.there[(raw["kind"], raw["metadata"]["name"])] = raw
        if told and self.store.keeps(raw["kind"]):
            self.store.apply(raw)
        return copy.deepcopy(raw)

    async def get(self, resource: c.Resource, _: str | None, name: str) -> c.Raw:
        if resource.kind in GOOD:
            return cast(c.Raw, GOOD[resource.kind])
        if (resource.kind, name) not in self.there:
            raise c.ApiError(404, "NotFound", "no such object")
        return copy.deepcopy(self.there[(resource.kind, name)])

    async def list(self, *_: Any) -> tuple[list[c.Raw], str]:
        return [], "1"

    async def patch(
        self, resource: c.Resource, _: str, name: str, body: c.Raw, *, resource_version: str, **__: Any
    ) -> c.Raw:
        found = self.there[(resource.kind, name)]
        if found["metadata"]["resourceVersion"] != resource_version:
            raise c.ApiError(409, "Conflict", "changed")
        self.statuses += "status" in body
        if resource.kind == "Deployment":
            self.patches.append(name)
            if self.refuses is not None:
                if self.commits:
                    self.put(merged(found, body), told=False)
                raise self.refuses
        return self.put(merged(found, body))

    async def create(self, resource: c.Resource, _: str, body: c.Raw) -> c.Raw:
        if (resource.kind, body["metadata"]["name"]) in self.there:
            raise c.ApiError(409, "AlreadyExists", "already exists")
        uid = f"uid-{len(self.there)}"
        return self.put({**body, "metadata": {"generation": 1, **body["metadata"], "uid": uid}}, told=False)


class NotStopped:
    """The emergency stop, which does not."""

    hold = None


class World:
    """A process that leads, on the bad release, and its moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **model: Any) -> None:
        self.store, self.board, self.seconds = Store(), Board(), 10.0
        self.api = Api(self.store)
        bad = raw_deployment()
        bad["spec"]["template"]["spec"]["containers"][0]["image"] = b.image("bad")
        bad["metadata"]["labels"] = {"knowngood.dev/model": b.MODEL}
        book = b.playbook(escalate={"after": "5m", "steps": [b.AWAY]}).to_object()
        book["metadata"]["uid"] = "book"
        self.model = raw_model(status={}, container=b.CONTAINER, knownGood=b.pinned(), **model)
        for raw in (self.model, bad, raw_pod("2", "bad"), raw_policy(), book):
            self.api.put(raw)
        api, policies = cast(c.Cluster, self.api), Policies(self.store)
        fence = Fence(api, self.store, "token", lambda: False)
        settings = Settings(admission=Admission(policy="decisions"))
        stop = cast(Stop, NotStopped())
        self.incidents = Incidents(api, self.store, self.board, policies, {}, settings, stop, fence)
        monkeypatch.setattr("time.time", lambda: b.at(self.seconds).timestamp())

    def incident(self, name: str = "", status: Any = None, **spec: Any) -> str:
        """An incident that is there; of the first episode where it has no other name."""
        raw = b.incident(status, **spec).to_object()
        raw["metadata"]["name"] = name or raw["metadata"]["name"]
        raw["metadata"]["uid"] = f"uid-{raw['metadata']['name']}"
        raw["metadata"]["creationTimestamp"] = b.at(self.seconds).isoformat()
        self.api.put(raw)
        return str(raw["metadata"]["name"])

    def found(self, name: str) -> AIIncident:
        """As it is now."""
        return AIIncident.from_object(self.api.there[("AIIncident", name)])

    def says(self, name: str, type: ConditionType) -> tuple[str, str]:
        """Reason and message of a condition."""
        found = find_condition(self.found(name).status.conditions, type)
        assert found is not None
        return found.reason, found.message

    def decide(self, name: str, **spec: Any) -> None:
        """A person's write of the spec."""
        self.api.put(merged(self.api.there[("AIIncident", name)], {"spec": spec}))

    async def events(self) -> list[tuple[str, str]]:
        """Of which incident what was told."""
        await asyncio.sleep(0.05)
        found = [raw for (kind, _), raw in self.api.there.items() if kind == "Event"]
        return [(raw["regarding"]["name"], raw["reason"]) for raw in found]

    async def look(self, seconds: float = 5.0) -> None:
        """Time passes, the bad release is seen, and the model is looked at."""
        self.seconds += seconds
        self.board.of(MODEL).record(b.compiled(), b.judged(Verdict.BREACH), b.at(self.seconds))
        model = self.store.model(MODEL)
        try:
            if model is None:
                await self.incidents.without_model(MODEL)
            else:
                await self.incidents.reconcile(model)
        except c.ApiError as error:
            if error is not self.api.refuses:
                raise

    async def looks(self, seconds: float) -> None:
        """Every five seconds."""
        for _ in range(int(seconds / 5)):
            await self.look()


def pin(found: AIIncident) -> StepState:
    assert found.status.plan is not None
    return next(s.state for s in found.status.plan.steps if s.name == "pin")


REFUSED = [DOWN, c.ApiError(429, "TooManyRequests", "slow down"), c.ApiError(409, "Conflict", "held by a lock")]


class TestRefused:
    @pytest.mark.parametrize("error", REFUSED, ids=str)
    async def test_a_write_that_is_refused_lastingly_is_said_once_and_fails_in_time(
        self, error: c.ApiError, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World(monkeypatch)
        name, world.api.refuses = world.incident(), error
        await world.looks(60)
        reason, message = world.says(name, ConditionType.CONTAINED)
        assert reason == Reason.NOT_WRITTEN
        assert error.message in message
        assert (await world.events()).count((name, "NotWritten")) == 1
        written = world.api.statuses
        await world.looks(60)
        assert world.api.statuses == written, "a retry costs no write"
        await world.looks(240)
        assert pin(world.found(name)) is StepState.FAILED
        assert "Escalated" in [e.reason for e in world.found(name).status.timeline]

    @pytest.mark.parametrize("error", REFUSED, ids=str)
    async def test_one_refusal_leaves_no_trace(self, error: c.ApiError, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(monkeypatch)
        name, world.api.refuses = world.incident(), error
        await world.look()
        world.api.refuses = None
        await world.looks(30)
        found = world.found(name)
        assert "NotWritten" not in str(found.to_object())
        assert "is rolling out" in world.says(name, ConditionType.CONTAINED)[1]

    async def test_a_write_whose_answer_was_lost_is_found_before_it_is_given_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World(monkeypatch)
        name, world.api.refuses = world.incident(), DOWN
        await world.looks(300)
        assert pin(world.found(name)) is StepState.INTENDED
        world.api.commits = True
        await world.look(5)
        tried = len(world.api.patches)
        await world.looks(60)
        assert len(world.api.patches) == tried
        assert pin(world.found(name)) is StepState.INTENDED
        assert "is rolling out" in world.says(name, ConditionType.CONTAINED)[1]

    async def test_messages_that_never_repeat_are_not_written_at_every_try(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World(monkeypatch)
        world.incident()
        for port in range(40):
            world.api.refuses = c.ApiError(500, "InternalError", f"read tcp 10.0.0.1:{40000 + port}: reset")
            await world.look(5)
        assert world.api.statuses < 12

    async def test_without_the_lease_nothing_was_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(monkeypatch)
        name, world.api.refuses = world.incident(), c.ApiError(0, "NotLeading", "no lease")
        await world.looks(400)
        assert pin(world.found(name)) is StepState.INTENDED
        assert "NotWritten" not in str(world.found(name).to_object())


REPORT = {"origin": "User", "policyRef": None}
CLOSE = {"closeRequest": {"by": "alice"}}
DISMISS = {"disposition": {"verdict": "FalsePositive", "by": "alice"}}


async def contained(monkeypatch: pytest.MonkeyPatch) -> tuple[World, str, str]:
    """An incident whose pin rolls out, and a report of a person that came later."""
    world = World(monkeypatch)
    first = world.incident()
    await world.looks(10)
    return world, first, world.incident("report", **REPORT)


class TestBehind:
    async def test_a_report_does_not_take_the_place_of_the_incident_that_is_worked_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world, first, report = await contained(monkeypatch)
        found = world.store.open_incident(MODEL)
        assert found is not None
        assert found.metadata.name == first
        await world.look()
        assert world.found(report).status.plan is None
        reason, message = world.says(report, ConditionType.CONTAINED)
        assert reason == Reason.WAITS
        assert f"incident {first} of this model is worked on first" in message
        assert (report, "NotContained") in await world.events()

    async def test_that_it_waits_is_written_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world, _, report = await contained(monkeypatch)
        await world.look()
        version = world.found(report).metadata.resource_version
        await world.looks(30)
        assert world.found(report).metadata.resource_version == version

    @pytest.mark.parametrize(("spec", "phase"), [(CLOSE, "Closed"), (DISMISS, "Dismissed")])
    async def test_it_can_be_closed_and_dismissed(
        self, spec: dict[str, Any], phase: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world, first, report = await contained(monkeypatch)
        await world.look()
        world.decide(report, **spec)
        await world.look()
        assert world.found(report).status.phase == phase
        assert world.found(report).status.plan is None
        assert pin(world.found(first)) is StepState.INTENDED

    async def test_nobody_is_heard_where_admission_does_not_guard(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world, first, report = await contained(monkeypatch)
        monkeypatch.setitem(GOOD, "ValidatingAdmissionPolicy", {"spec": {"failurePolicy": "Ignore"}})
        world.decide(report, **CLOSE)
        await world.look()
        assert world.found(report).status.phase is None
        assert world.says(report, ConditionType.APPROVALS_GUARDED)[0] == Reason.NOT_GUARDED
        monkeypatch.undo()
        monkeypatch.setattr("time.time", lambda: b.at(world.seconds).timestamp())
        world.incidents._guard._asked_at = None
        world.decide(first, **CLOSE)
        await world.looks(10)
        assert world.found(first).status.phase == "Closed"
        assert world.found(report).status.phase == "AwaitingApproval", "what was written unguarded never counts"

    async def test_what_was_heard_stays_when_its_turn_comes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world, first, report = await contained(monkeypatch)
        await world.look()
        world.decide(report, acknowledgement={"by": "alice"})
        await world.look()
        assert world.says(report, ConditionType.ACKNOWLEDGED)[0] == Reason.ACKNOWLEDGED
        world.decide(first, **CLOSE)
        await world.looks(10)
        found = world.found(report)
        assert found.status.plan is not None
        assert [e.reason for e in found.status.timeline].count("Acknowledged") == 1
        assert world.says(report, ConditionType.CONTAINED)[0] != Reason.WAITS

    async def test_one_that_has_a_plan_is_heard_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As an operator left it that drove the report first."""
        world = World(monkeypatch)
        report = world.incident("report", **REPORT)
        await world.look()
        assert world.found(report).status.plan is not None
        first = world.incident("first", {"phase": "Contained", "episode": 0})
        world.api.put(merged(world.api.there[("AIIncident", report)], {"status": {"episode": 4}}))
        world.api.put(merged(world.api.there[("AIIncident", first)], {"status": {"episode": 3}}))
        await world.look()
        assert "is worked on first" in str(world.found(report).to_object())
        world.decide(report, **CLOSE)
        await world.look()
        assert world.found(report).status.phase == "Closed"


class TestWithoutModel:
    async def gone(self, monkeypatch: pytest.MonkeyPatch) -> tuple[World, str]:
        """An incident whose pin rolls out, and whose model was deleted."""
        world = World(monkeypatch)
        name = world.incident()
        await world.looks(10)
        assert len(world.store.ledger.standing(())) == 1
        world.store.remove(world.api.there[("ModelDeployment", b.MODEL)])
        return world, name

    async def test_it_holds_no_place_while_the_model_is_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world, name = await self.gone(monkeypatch)
        assert len(world.store.ledger.standing(())) == 0
        await world.look()
        assert world.says(name, ConditionType.READY)[0] == Reason.MODEL_NOT_FOUND
        assert len(world.store.ledger.standing(())) == 0
        world.model["metadata"]["uid"] = "made-anew"
        world.api.put(world.model)
        assert len(world.store.ledger.standing(())) == 1

    async def test_a_model_that_cannot_be_read_is_not_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(monkeypatch)
        world.incident()
        await world.looks(10)
        world.api.put({**world.model, "spec": {"workloadRef": 7}})
        assert world.store.model(MODEL) is None
        assert len(world.store.ledger.standing(())) == 1

    @pytest.mark.parametrize(("spec", "phase"), [(CLOSE, "Closed"), (DISMISS, "Dismissed")])
    async def test_it_can_be_closed_and_dismissed(
        self, spec: dict[str, Any], phase: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world, name = await self.gone(monkeypatch)
        world.decide(name, **spec, acknowledgement={"by": "alice"})
        patched = len(world.api.patches)
        await world.looks(10)
        found = world.found(name)
        assert found.status.phase == phase
        assert [e.reason for e in found.status.timeline].count("Acknowledged") == 1
        assert "pin (PinKnownGood); look at Deployment digits" in found.status.timeline[-1].message
        assert len(world.api.patches) == patched

    async def test_nobody_is_heard_where_admission_does_not_guard(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world, name = await self.gone(monkeypatch)
        monkeypatch.setitem(GOOD, "ValidatingAdmissionPolicy", {"spec": {"failurePolicy": "Ignore"}})
        world.decide(name, **CLOSE)
        await world.looks(10)
        assert world.found(name).status.phase == "Containing"
        assert world.says(name, ConditionType.APPROVALS_GUARDED)[0] == Reason.NOT_GUARDED
        assert world.found(name).status.ignored_decisions


def taken(world: World, numbers: range, told: bool = True) -> None:
    """Incidents of another model under the names of this one's next."""
    for number in numbers:
        raw = b.incident({"phase": "Closed"}, modelRef={"name": "other"}).to_object()
        world.api.put({**raw, "metadata": {**raw["metadata"], "name": named(number), "uid": f"u{number}"}}, told)


def named(number: int) -> str:
    return incident_name(b.MODEL, f"uid-{b.MODEL}", number)


class TestNames:
    @pytest.mark.parametrize("told", [True, False])
    async def test_a_name_that_another_models_incident_has_counts_as_used(
        self, told: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World(monkeypatch)
        taken(world, range(1, 3), told)
        await world.looks(10)
        found = world.found(named(3))
        assert (found.status.episode, found.status.phase) == (3, "Containing")
        assert found.spec.model_ref.name == b.MODEL
        assert world.found(named(1)).spec.model_ref.name == "other"

    async def test_many_taken_names_are_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(monkeypatch)
        taken(world, range(1, 16))
        await world.looks(10)
        assert world.found(named(16)).status.phase == "Containing"
