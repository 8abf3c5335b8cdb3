"""What each action writes to a Rollout, as the operations of a JSON patch: the same as the patch that it declares."""

from typing import Any

import pytest

from knowngood.api.plan import StepState
from knowngood.core.facts.workload import Workload, read_workload
from knowngood.core.response.effects import Apply, Effect
from knowngood.core.response.jsonpatch import operations
from knowngood.core.response.mutation import Mutation
from tests import builders as b
from tests.conformance.actions.cases import ROLLOUTS, Case
from tests.conformance.actions.test_actions import done, put
from tests.patches import applied
from tests.scenarios.world import World, patched

pytestmark = pytest.mark.conformance


def raw_of(found: Workload) -> dict[str, Any]:
    """The workload as the API gives it, with a container beside that no patch knows."""

    def container(name: str, image: str, env: Any) -> dict[str, Any]:
        variables = [{"name": n, "value": v} for n, v in env]
        return {"name": name, "image": image, "args": ["x"], **({"env": variables} if variables else {})}

    containers = [container(c.name, c.image, c.env) for c in found.containers]
    spec: dict[str, Any] = {"replicas": found.replicas, "template": {"spec": {"containers": containers}}}
    if found.paused:
        spec["paused"] = True
    meta = {"annotations": dict(found.annotations)} if found.annotations else {}
    return {"apiVersion": found.api_version, "kind": found.kind, "metadata": {"name": found.name, **meta}, "spec": spec}


def same(one: Workload, other: Workload) -> None:
    sorted_ = [tuple(sorted(c.env)) for c in one.containers], [tuple(sorted(c.env)) for c in other.containers]
    assert sorted_[0] == sorted_[1]
    assert (one.images, one.replicas, one.paused) == (other.images, other.replicas, other.paused)
    assert one.annotations == other.annotations


@pytest.mark.parametrize("case", ROLLOUTS, ids=str)
def test_operations_do_what_the_patch_says_and_the_undo_takes_back(case: Case) -> None:
    checked = []

    def check(found: World, effect: Effect) -> bool:
        if isinstance(effect, Apply) and isinstance(effect.mutation, Mutation):
            assert found.workload is not None
            raw, patch = raw_of(found.workload), effect.mutation.patch
            made = operations(raw, patch)
            same(read_workload(applied(raw, made)), patched(found.workload, patch))
            assert applied(raw, made)["spec"]["template"]["spec"]["containers"][0]["args"] == ["x"]
            assert operations(applied(raw, made), patch) == []
            checked.append(made)
        return False

    case.world().live(60, check)
    there = done(case)
    put(there, state=StepState.UNDOING)
    there.settle(check)
    assert len(checked) == 2


@pytest.mark.parametrize("action", ["Isolate", "RerouteTraffic"])
def test_what_cannot_be_done_is_passed_over_with_the_reason(action: str) -> None:
    spec = {"knownGood": b.pinned(), "workloadRef": b.ROLLOUT_REF, **b.SERVICE}
    steps = [{"name": "act", "action": action}, {"name": "pin", "action": "PinKnownGood"}]
    found = World(playbooks=(b.playbook(steps=steps),), model=b.model(spec), workload=b.workload(**b.ROLLOUT))
    found.live(60)
    assert found.status.plan is not None
    act, pin = found.status.plan.steps
    assert (act.state, act.reason, pin.state) == ("Skipped", "NotSupported", "Done")
    assert "Argo Rollouts writes their selectors" in act.message
    assert found.image == b.image("good")


def held(**changes: Any) -> World:
    steps = [{"name": "hold", "action": "PauseRollout"}, b.AWAY]
    model = b.model({"knownGood": b.pinned(), "workloadRef": b.ROLLOUT_REF})
    return World(playbooks=(b.playbook(steps=steps),), model=model, workload=b.workload(**b.ROLLOUT, **changes))


def test_what_holds_it_is_lifted_by_what_scales_it_since_a_paused_rollout_is_not_scaled() -> None:
    found = held()
    found.live(60)
    assert found.workload is not None
    assert (found.workload.paused, found.workload.replicas) == (False, 0)
    assert [p.patch["spec"] for p in found.patches] == [{"paused": True}, {"replicas": 0, "paused": None}]
    assert found.status.plan is not None
    assert [s.state for s in found.status.plan.steps] == ["Done", "Done"]


def test_what_a_person_holds_is_not_scaled() -> None:
    found = held(paused=True)
    found.live(60)
    assert found.patches == []
    assert found.condition("Contained").reason == "Paused"
