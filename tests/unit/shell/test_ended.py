"""Incidents that are over: what still happens to them is written once, and only where admission guards who decides."""

import copy
from typing import Any, cast

import pytest

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason, find_condition
from knowngood.api.incidentstatus import Actor, IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.core.incidents.opening import first_status
from knowngood.core.incidents.record import told
from knowngood.core.incidents.suspicion import suspicions
from knowngood.shell import cluster as c
from knowngood.shell.board import Board
from knowngood.shell.ended import Ended
from knowngood.shell.fencing import Fence
from knowngood.shell.guard import Guard
from knowngood.shell.incidents import Incidents
from knowngood.shell.policies import Policies
from knowngood.shell.settings import Settings
from knowngood.shell.stop import Stop
from knowngood.shell.store import Store
from tests import builders as b
from tests.loop import MODEL, raw_deployment, raw_model, raw_pod, raw_policy
from tests.unit.shell.test_guards import GOOD
from tests.unit.shell.test_writes import merged

pytestmark = pytest.mark.unit
GUARDED, UNGUARDED = dict(GOOD), dict[str, Any]()


class Api:
    """The incidents of a store as the API server has them, and the objects of the guard."""

    def __init__(self, store: Store, guard: dict[str, Any]) -> None:
        self.store, self.guard = store, guard
        self.there: dict[str, c.Raw] = {}
        self.created: list[str] = []
        self.written: list[c.Raw] = []
        self.asked = 0
        self.conflicts = 0

    def put(self, raw: c.Raw) -> None:
        """Somebody else's write, which this process hears of."""
        self.there[raw["metadata"]["name"]] = raw
        self.store.apply(raw)

    async def get(self, resource: c.Resource, _namespace: str | None, name: str) -> c.Raw:
        if resource.kind == "AIIncident":
            return self.there[name]
        self.asked += 1
        answer = self.guard.get(resource.kind, c.ApiError(404, "NotFound", "no such object"))
        if isinstance(answer, Exception):
            raise answer
        return cast(c.Raw, answer)

    async def patch(self, _: Any, __: str, name: str, body: c.Raw, *, resource_version: str, **___: Any) -> c.Raw:
        found = self.there[name]
        if self.conflicts or found["metadata"]["resourceVersion"] != resource_version:
            self.conflicts = max(0, self.conflicts - 1)
            raise c.ApiError(409, "Conflict", "changed")
        made = merged(copy.deepcopy(found), body)
        made["metadata"]["resourceVersion"] = str(int(resource_version) + 1)
        self.there[name] = made
        self.written.append(body)
        return copy.deepcopy(made)

    async def create(self, resource: c.Resource, _namespace: str, body: c.Raw) -> c.Raw:
        self.created.append(resource.kind)
        meta = {**body["metadata"], "uid": f"uid-{len(self.created)}", "resourceVersion": "900"}
        return {**body, "metadata": meta}


def closed(**spec: Any) -> c.Raw:
    """An incident of the bad release that a person closed while the breach lasted."""
    status = first_status(b.model(), b.incident(), 1, [b.view()], b.pods(), b.CONTAINER, b.at(10))
    status = told(status, b.at(60), "Closed", "closed by alice", Actor.PERSON)
    return b.incident(status.model_copy(update={"phase": IncidentPhase.CLOSED}).to_object(), **spec).to_object()


DISPOSITION = {"disposition": {"verdict": "BenignPositive", "by": "mallory"}}


class Followed:
    """One incident that is over, and who follows it."""

    def __init__(self, raw: c.Raw, guard: dict[str, Any]) -> None:
        self.store = Store()
        self.api = Api(self.store, guard)
        self.api.put(raw)
        self.board = Board()
        api = cast(c.Cluster, self.api)
        self._ended = Ended(api, self.store, Guard(api, "decisions"))

    async def follow(self) -> AIIncident:
        await self._ended.follow(MODEL, self.board.of(MODEL).views)
        (found,) = self.store.incidents_of(MODEL)
        return found

    def see(self, verdict: Verdict, second: float) -> None:
        self.board.of(MODEL).record(b.compiled(), b.judged(verdict), b.at(second))


async def test_where_nothing_happened_nothing_is_asked_or_written() -> None:
    there = Followed(closed(), UNGUARDED)
    there.see(Verdict.BREACH, 100)
    await there.follow()
    assert (there.api.asked, there.api.written) == (0, [])


async def test_a_breach_that_has_passed_is_recorded_once() -> None:
    there = Followed(closed(), UNGUARDED)
    there.see(Verdict.HEALTHY, 100)
    found = await there.follow()
    assert found.status.signals[0].verdict is Verdict.HEALTHY
    await there.follow()
    assert len(there.api.written) == 1
    assert there.api.asked == 0


async def test_a_judgement_without_the_guard_is_marked_and_never_counts() -> None:
    there = Followed(closed(**DISPOSITION), UNGUARDED)
    found = await there.follow()
    assert len(found.status.ignored_decisions) == 1
    said = find_condition(found.status.conditions, ConditionType.APPROVALS_GUARDED)
    assert said is not None
    assert (said.status, said.reason) == (ConditionStatus.FALSE, Reason.NOT_GUARDED)
    there.api.guard = GUARDED
    found = await there.follow()
    assert len(there.api.written) == 1
    assert not suspicions([found])[0].blameless


async def test_a_judgement_under_the_guard_is_recorded_once() -> None:
    there = Followed(closed(**DISPOSITION), GUARDED)
    assert suspicions([await there.follow()])[0].blameless
    await there.follow()
    assert len(there.api.written) == 1


async def test_while_the_guard_cannot_be_asked_nothing_is_decided() -> None:
    there = Followed(closed(**DISPOSITION), {**GUARDED, "ValidatingAdmissionPolicy": c.ApiError(500, "", "etcd")})
    with pytest.raises(c.ApiError):
        await there.follow()
    assert there.api.written == []
    there.api.guard = GUARDED
    assert suspicions([await there.follow()])[0].blameless


async def test_after_a_conflict_it_is_read_again() -> None:
    there = Followed(closed(**DISPOSITION), GUARDED)
    there.api.conflicts = 1
    await there.follow()
    assert there.api.written == []
    assert suspicions([await there.follow()])[0].blameless


class NotStopped:
    """The emergency stop, which does not."""

    hold = None


class Process:
    """A process that has just begun to lead, on the bad release."""

    def __init__(self, raw: c.Raw) -> None:
        self.store, self.board = Store(), Board()
        self.api = Api(self.store, UNGUARDED)
        for each in (raw_model(status={}), raw_deployment(), raw_pod("2", "bad"), raw_policy()):
            self.store.apply(each)
        self.api.put(raw)
        api, policies = cast(c.Cluster, self.api), Policies(self.store)
        fence = Fence(api, self.store, "token", lambda: False)
        stop = cast(Stop, NotStopped())
        self.incidents = Incidents(api, self.store, self.board, policies, {}, Settings(), stop, fence)
        self.incidents._drive = self.opened  # type: ignore[method-assign]

    async def opened(self, *_: Any) -> None:
        """That it was opened is enough here."""

    async def see(self, verdict: Verdict, second: float) -> list[str]:
        """What was created once this was seen."""
        self.board.of(MODEL).record(b.compiled(), b.judged(verdict), b.at(second))
        model = self.store.model(MODEL)
        assert model is not None
        await self.incidents.reconcile(model)
        return self.api.created


async def test_a_restart_opens_nothing_that_a_person_has_settled() -> None:
    first = Process(closed())
    assert await first.see(Verdict.BREACH, 100) == []
    (name,) = first.api.there
    second = Process(first.api.there[name])
    assert await second.see(Verdict.INCONCLUSIVE, 200) == []
    assert await second.see(Verdict.BREACH, 230) == []
    assert await second.see(Verdict.HEALTHY, 300) == []
    third = Process(second.api.there[name])
    assert await third.see(Verdict.BREACH, 400) == ["AIIncident"]
