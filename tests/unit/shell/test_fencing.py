"""Taking over: what was open is touched before it is taken further, and one that cannot be holds up itself alone."""

from typing import Any, cast

import pytest

from knowngood.api.aiincident import AIIncident
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.plan import PodRef, StepObserved, StepState
from knowngood.core.response import machine
from knowngood.core.response.effects import FreezeEvidence, Record
from knowngood.shell.cluster import ApiError, Cluster
from knowngood.shell.fencing import Fence
from knowngood.shell.store import Store
from tests import builders as b
from tests.loop import raw_deployment, raw_pod


class Api:
    """One incident whose version moves at each touch; ``refusal``: what every touch is answered instead."""

    def __init__(self, raw: dict[str, Any], refusal: ApiError | None = None) -> None:
        self.raw, self.refusal, self.touches = raw, refusal, 0

    async def patch(self, _resource: Any, _namespace: str, _name: str, _body: Any, **_: Any) -> dict[str, Any]:
        self.touches += 1
        if self.refusal is not None:
            raise self.refusal
        self.raw["metadata"]["resourceVersion"] = str(int(self.raw["metadata"]["resourceVersion"]) + 1)
        return self.raw

    async def get(self, *_: Any) -> dict[str, Any]:
        return self.raw


def stood(refusal: ApiError | None = None) -> tuple[Fence, Api, AIIncident]:
    incident = b.incident()
    store = Store()
    raw = incident.to_object()
    store.apply(raw)
    api = Api(raw, refusal)
    return Fence(cast(Cluster, api), store, "two/1", lambda: False), api, incident


async def test_what_was_open_is_touched_once_a_term() -> None:
    fence, api, incident = stood()
    for _ in range(3):
        await fence.passed(incident)
    assert api.touches == 1


@pytest.mark.parametrize("status", [409, 500, 0])
async def test_nothing_passes_that_could_not_be_touched(status: int) -> None:
    fence, api, incident = stood(ApiError(status, "Conflict" if status == 409 else "", "no"))
    for _ in range(2):
        with pytest.raises(ApiError) as raised:
            await fence.passed(incident)
        assert not raised.value.conflict, "a conflict is looked at again at once, and this may last"
    assert 2 <= api.touches <= 10
    api.refusal = None
    await fence.passed(incident)


async def test_the_rest_of_a_takeover_raises_nothing() -> None:
    fence, api, _ = stood(ApiError(409, "Conflict", "no"))
    await fence.run()
    assert api.touches


async def test_a_target_that_was_passed_over_while_all_is_stopped_is_touched_later() -> None:
    stopped, store = [True], Store()
    planned = machine.decide(b.facts())
    assert isinstance(planned, FreezeEvidence)
    incident = b.incident(planned.status.to_object())
    store.apply(incident.to_object())
    workload = raw_deployment()
    store.apply(workload)
    touched: list[str] = []

    class Both:
        async def patch(self, resource: Any, _namespace: str, _name: str, _body: Any, **_: Any) -> dict[str, Any]:
            touched.append(resource.kind)
            return incident.to_object() if resource.kind == "AIIncident" else workload

    fence = Fence(cast(Cluster, Both()), store, "two/1", lambda: stopped[0])
    for _ in range(3):
        await fence.passed(incident)
    assert touched == ["AIIncident"]
    stopped[0] = False
    for _ in range(3):
        await fence.passed(incident)
    assert touched == ["AIIncident", "Deployment"]


@pytest.mark.parametrize(
    ("steps", "beside"),
    [
        ({"away": StepState.INTENDED}, ["Service/digits"]),
        ({"away": StepState.UNDOING, "guard": StepState.INTENDED}, ["Service/digits", "ConfigMap/guardrail"]),
        ({"cut": StepState.INTENDED}, ["Service/digits", "Pod/digits-1"]),
        ({"away": StepState.DONE, "guard": StepState.PENDING}, []),
    ],
)
async def test_what_a_step_was_about_to_patch_is_touched_too(steps: dict[str, StepState], beside: list[str]) -> None:
    """Of steps that are under way: what is done is not in anybody's hands any more."""
    flag = {"name": "safe-mode", "configMapKeyRef": {"name": "guardrail", "key": "mode"}, "value": "strict"}
    every = [
        {"name": "away", "action": "RerouteTraffic"},
        {"name": "guard", "action": "SetFlag", "setFlag": {"flag": "safe-mode"}},
        {"name": "cut", "action": "Isolate"},
    ]
    model = b.model({"flags": [flag], **b.SERVICE, **b.STANDBY}, resourceVersion="1")
    found = machine.decide(b.facts(model=model, playbooks={"pin-known-good": b.playbook(steps=every)}))
    assert isinstance(found, FreezeEvidence | Record)
    status = found.status
    assert status.plan is not None
    seen = StepObserved(resource_version="1", pods=[PodRef(name="digits-1", uid="pod-1")])
    made = [s.model_copy(update={"state": steps.get(s.name, s.state), "observed": seen}) for s in status.plan.steps]
    status = status.model_copy(update={"plan": status.plan.model_copy(update={"steps": made})})
    incident, store, touched = b.incident(status.to_object()), Store(), []
    held = {"metadata": {"name": "x", "namespace": b.NAMESPACE, "uid": "u", "resourceVersion": "7"}}
    for raw in (incident.to_object(), model.to_object(), raw_deployment(), raw_pod()):
        store.apply(raw)

    class Every:
        async def get(self, *_: Any) -> dict[str, Any]:
            return held

        async def patch(self, resource: Any, _namespace: str, name: str, _body: Any, **_: Any) -> dict[str, Any]:
            touched.append(f"{resource.kind}/{name}")
            kept = {"AIIncident": incident.to_object(), "Deployment": raw_deployment(), "Pod": raw_pod()}
            return kept.get(resource.kind, held)

    fence = Fence(cast(Cluster, Every()), store, "two/1", lambda: False)
    await fence.passed(incident)
    assert touched[0].startswith("AIIncident/")
    assert touched[1:] == ["Deployment/digits", *beside]


class Moved:
    """An incident that a predecessor wrote after it was cached: the first touch conflicts."""

    def __init__(self, phase: IncidentPhase, state: StepState, cached: IncidentPhase | None = None) -> None:
        found = machine.decide(b.facts())
        assert isinstance(found, FreezeEvidence)
        assert found.status.plan is not None
        pin = [s.model_copy(update={"state": state}) for s in found.status.plan.steps]
        moved = {"phase": phase, "plan": found.status.plan.model_copy(update={"steps": pin})}
        self.fresh = b.incident(found.status.model_copy(update=moved).to_object()).to_object()
        self.cached = b.incident(found.status.model_copy(update={"phase": cached}).to_object()).to_object()
        self.fresh["metadata"]["resourceVersion"] = "900"
        self.touched: list[str] = []
        self.store = Store()
        for raw in (self.cached if cached else self.fresh, b.model().to_object(), raw_deployment()):
            raw["metadata"].setdefault("resourceVersion", "1")
            self.store.apply(raw)

    async def get(self, *_: Any) -> dict[str, Any]:
        return self.fresh

    async def patch(self, resource: Any, _: str, __: str, ___: Any, *, resource_version: str, **____: Any) -> Any:
        if resource.kind == "AIIncident" and resource_version != "900":
            raise ApiError(409, "Conflict", "changed")
        self.touched.append(resource.kind)
        return self.fresh if resource.kind == "AIIncident" else raw_deployment()

    async def passed(self) -> list[str]:
        """What was touched when the incident passed, as its caller knew it."""
        fence = Fence(cast(Cluster, self), self.store, "two/1", lambda: False)
        (incident,) = self.store.open_incidents()
        await fence.passed(incident)
        return self.touched


async def test_what_is_touched_is_what_the_incident_says_once_it_is_touched() -> None:
    there = Moved(IncidentPhase.CONTAINING, StepState.INTENDED, cached=IncidentPhase.AWAITING_APPROVAL)
    assert await there.passed() == ["AIIncident", "Deployment"]


@pytest.mark.parametrize(
    ("state", "beside"),
    [
        (StepState.PENDING, []),
        (StepState.DONE, []),
        (StepState.INTENDED, ["Deployment"]),
        (StepState.UNDOING, ["Deployment"]),
    ],
)
async def test_before_an_approval_only_what_is_under_way_is_touched(state: StepState, beside: list[str]) -> None:
    assert await Moved(IncidentPhase.AWAITING_APPROVAL, state).passed() == ["AIIncident", *beside]
