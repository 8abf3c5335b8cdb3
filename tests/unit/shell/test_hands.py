"""What steps need is read once a look, and what they write goes where it belongs, guarded."""

from typing import Any, cast

import pytest

from knowngood.api.plan import Plan, PlanStep
from knowngood.core.facts.things import Lookup, Ref
from knowngood.core.response.mutation import Mutation, Target
from knowngood.core.signals.answer import Answer, DataState
from knowngood.shell import cluster as c
from knowngood.shell import hands
from knowngood.shell.store import Store
from tests import builders as b

REF = Ref("ConfigMap", "guardrail")
FLAG = {"name": "safe-mode", "configMapKeyRef": {"name": "guardrail", "key": "mode"}, "value": "strict"}


class Api:
    """Objects by kind and name; what is no object is raised, as often as it is listed."""

    def __init__(self, **found: Any) -> None:
        self.found, self.asked, self.patched = found, 0, list[Any]()
        self.refusals: list[c.ApiError] = []

    async def get(self, resource: c.Resource, namespace: str, name: str) -> Any:
        self.asked += 1
        answer = self.found.get(name, c.ApiError(404, "NotFound", "no such object"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def patch(self, resource: c.Resource, namespace: str, name: str, body: Any, **guards: Any) -> Any:
        self.patched.append((resource.kind, namespace, name, body, guards))
        if self.refusals:
            raise self.refusals.pop(0)
        meta = {"name": name, "namespace": namespace, "uid": guards["uid"], "resourceVersion": "101"}
        return {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": meta}


def facts() -> Any:
    step = {"name": "guard", "action": "SetFlag", "setFlag": {"flag": "safe-mode"}}
    plan = Plan(steps=[PlanStep.from_object(step)])
    return b.facts(incident=b.incident({"plan": plan.to_object()}), model=b.model({"flags": [FLAG]}))


def made(api: Api, stopped: bool = False) -> hands.Hands:
    return hands.Hands(cast(c.Cluster, api), Store(), {}, lambda: stopped)


async def test_each_object_is_read_once_a_look() -> None:
    api, known = Api(guardrail=b.thing("ConfigMap", "guardrail", {"data": {"mode": "x"}}).raw), hands.Known()
    for _ in range(3):
        found = await made(api).equipped(facts(), known)
    assert api.asked == 1
    looked = found.look(REF)
    assert looked is not None
    assert looked.thing is not None
    assert looked.thing.raw["data"] == {"mode": "x"}


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (c.ApiError(404, "NotFound", "gone"), Lookup()),
        (c.ApiError(403, "Forbidden", "no right"), Lookup(problem="ConfigMap guardrail cannot be read: no right")),
    ],
)
async def test_what_is_not_there_and_what_may_not_be_read_are_two(answer: c.ApiError, wanted: Lookup) -> None:
    found = await made(Api(guardrail=answer)).equipped(facts(), hands.Known())
    assert found.look(REF) == wanted


@pytest.mark.parametrize("status", [0, 429, 500])
async def test_no_answer_is_no_decision(status: int) -> None:
    with pytest.raises(c.ApiError):
        await made(Api(guardrail=c.ApiError(status, "", "x"))).equipped(facts(), hands.Known())


@pytest.mark.parametrize(
    ("version", "kind", "sub", "content"),
    [
        ("v1", "ConfigMap", "", c.STRATEGIC),
        ("knowngood.dev/v1alpha1", "ModelDeployment", "status", c.MERGE),
    ],
)
async def test_a_write_names_the_object_at_its_version(version: str, kind: str, sub: str, content: str) -> None:
    api = Api()
    mutation = Mutation(Target(version, kind, "vision", "x", "u-1", "100"), {"data": {}}, sub)
    await made(api).apply(mutation)
    guards = {"uid": "u-1", "resource_version": "100", "sub": sub or None, "content_type": content}
    assert api.patched == [(kind, "vision", "x", {"data": {}}, guards)]


async def test_admission_that_lags_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_ADMISSION_LAGS", (0.0, 0.0))
    api = Api()
    target = Target("v1", "ConfigMap", "vision", "x", "u-1", "100")
    api.refusals = [c.ApiError(403, "Forbidden", "not yet")] * 2
    await made(api).apply(Mutation(target, {}))
    assert len(api.patched) == 3
    api.refusals = [c.ApiError(403, "Forbidden", "never")] * 3
    with pytest.raises(c.ApiError):
        await made(api).apply(Mutation(target, {}))


async def test_admission_is_not_asked_again_once_all_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_ADMISSION_LAGS", (0.0, 0.0))
    api = Api()
    api.refusals = [c.ApiError(403, "Forbidden", "not yet")]
    with pytest.raises(c.ApiError) as raised:
        await made(api, stopped=True).apply(Mutation(Target("v1", "ConfigMap", "vision", "x", "u-1", "100"), {}))
    assert raised.value.conflict, "it is decided again, and then held"
    assert len(api.patched) == 1


class Source:
    """Answers, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def query(self, text: str) -> Answer:
        self.asked.append(text)
        return Answer(DataState.OK, rows=(b.row(0.5),))


def gated() -> Any:
    gate = {"promql": {"query": "errors", "below": 1}}
    step = PlanStep.from_object({"name": "go", "action": "Gate", "gate": gate, "state": "Intended"})
    return b.facts(incident=b.incident({"plan": Plan(steps=[step]).to_object()}))


async def test_each_query_is_asked_once_a_look_of_the_policys_source() -> None:
    source, known = Source(), hands.Known()
    made = hands.Hands(cast(c.Cluster, Api()), Store(), cast(Any, {"default": source}), lambda: False)
    for _ in range(3):
        found = await made.equipped(gated(), known)
    assert source.asked == ['errors{namespace="vision"}']
    assert found.answers['errors{namespace="vision"}'].rows[0].value == 0.5


async def test_a_source_that_nobody_named_is_said() -> None:
    found = await made(Api()).equipped(gated(), hands.Known())
    (answer,) = found.answers.values()
    assert answer.state is DataState.NO_SOURCE


ROLLOUT = Target("argoproj.io/v1alpha1", "Rollout", "vision", "digits", "u-1", "100")
PINNED = {"spec": {"template": {"spec": {"containers": [{"name": "model", "image": "good"}]}}}}


def rollout(version: str = "100", uid: str = "u-1") -> Any:
    meta = {"name": "digits", "namespace": "vision", "uid": uid, "resourceVersion": version}
    spec = {"template": {"spec": {"containers": [{"name": "proxy", "image": "p"}, {"name": "model", "image": "bad"}]}}}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": meta, "spec": spec}


class Operated(Api):
    """As Api, with JSON patches; a refusal may find the object changed."""

    def __init__(self, refusal: c.ApiError | None = None, then: Any = None, **found: Any) -> None:
        super().__init__(**found)
        self.refusal, self.then = refusal, then

    async def operate(
        self, resource: c.Resource, namespace: str, name: str, steps: Any, *, uid: str, resource_version: str
    ) -> Any:
        self.patched.append((resource.kind, steps, uid, resource_version))
        if self.refusal is not None:
            self.found[name] = self.then or self.found[name]
            raise self.refusal
        return rollout("101")


async def test_a_rollout_is_written_by_operations_on_the_object_that_was_decided_on() -> None:
    api = Operated(digits=rollout())
    await made(api).apply(Mutation(ROLLOUT, PINNED))
    steps = [
        {"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "model"},
        {"op": "add", "path": "/spec/template/spec/containers/1/image", "value": "good"},
    ]
    assert api.patched == [("Rollout", steps, "u-1", "100")]


@pytest.mark.parametrize("found", [rollout("101"), rollout(uid="u-2")], ids=["changed", "another"])
async def test_a_rollout_that_changed_since_is_not_written(found: Any) -> None:
    api = Operated(digits=found)
    with pytest.raises(c.ApiError) as caught:
        await made(api).apply(Mutation(ROLLOUT, PINNED))
    assert caught.value.conflict
    assert api.patched == []


@pytest.mark.parametrize("then", [rollout("101"), None], ids=["changed", "the same"])
async def test_a_test_that_did_not_hold_is_a_conflict_only_where_somebody_wrote(then: Any) -> None:
    api = Operated(c.ApiError(422, "Invalid", "test failed"), then, digits=rollout())
    with pytest.raises(c.ApiError) as caught:
        await made(api).apply(Mutation(ROLLOUT, PINNED))
    assert caught.value.conflict is (then is not None)
