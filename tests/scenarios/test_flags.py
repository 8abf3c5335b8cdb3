"""SetFlag: what stands in its way is said, what is so already is passed over, and what comes after it goes on."""

import dataclasses
from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.things import Ref
from knowngood.core.facts.workload import Workload
from knowngood.core.response.effects import Apply, Effect
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
REF = Ref("ConfigMap", "guardrail")
FLAGS = [
    {"name": "safe-mode", "configMapKeyRef": {"name": "guardrail", "key": "mode"}, "value": "strict"},
    {"name": "rate", "env": {"name": "RATE"}, "value": "10"},
]
GUARD = {"name": "guard", "action": "SetFlag", "setFlag": {"flag": "safe-mode"}}
PIN = {"name": "pin", "action": "PinKnownGood"}


def world(*steps: dict[str, Any], data: dict[str, str] | None = None, **changes: Any) -> World:
    evidence = {"name": "evidence", "action": "FreezeEvidence"}
    held = b.thing("ConfigMap", "guardrail", {"data": {"mode": "relaxed"} if data is None else data})
    values = {"model": b.model({"knownGood": b.pinned(), "flags": FLAGS}), "things": {REF: held}, **changes}
    return World(playbooks=(b.playbook(steps=[evidence, *(steps or (GUARD,))]),), **values)


def step(found: World, name: str) -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def data(found: World) -> dict[str, str]:
    return dict(found.things[REF].raw["data"])


def test_a_flag_is_set_and_that_is_a_containment() -> None:
    found = world()
    found.settle()
    assert data(found) == {"mode": "strict"}
    assert found.things[REF].annotations == {
        "knowngood.dev/flagged-by": found.incident.metadata.name,
        "knowngood.dev/replaced-flags": "mode=relaxed",
    }
    assert found.status.phase is IncidentPhase.CONTAINED
    assert found.condition("Contained").message == "key mode of ConfigMap guardrail is 'strict'"
    assert found.workload == b.workload(), "the workload is not touched"


def test_its_intent_and_what_stood_there_are_recorded_in_the_write_of_the_evidence() -> None:
    found = world()
    found.rolls_out = False
    seen: list[PlanStep] = []

    def note(there: World, effect: object) -> bool:
        if there.status.plan is not None:
            seen.append(step(there, "guard"))
        return False

    found.settle(note)
    assert seen[0].state is StepState.INTENDED
    assert seen[0].observed is not None
    assert seen[0].observed.value == "relaxed"


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"things": {}}, Reason.OBJECT_NOT_FOUND, "there is no ConfigMap guardrail in this namespace; make it"),
        (
            {"model": b.model({"knownGood": b.pinned()})},
            Reason.NOT_DECLARED,
            "no flag safe-mode; it has none: write it",
        ),
        ({"data": {"mode": "x" * 1025}}, Reason.TOO_LARGE, "holds 1025 characters; a flag is a short value"),
    ],
)
def test_what_stands_in_its_way_is_said(changes: dict[str, Any], reason: Reason, says: str) -> None:
    found = world(**changes)
    found.live(60)
    assert found.patches == []
    assert step(found, "guard").state is StepState.PENDING
    assert found.condition("Contained").reason == reason
    assert says in found.condition("Contained").message


def test_it_begins_as_soon_as_nothing_stands_in_its_way() -> None:
    found = world(things={})
    found.live(20)
    found.things = world().things
    found.live(10)
    assert data(found) == {"mode": "strict"}


def test_one_that_cannot_begin_gives_way_where_it_says_continue() -> None:
    found = world({**GUARD, "onFailure": "Continue"}, PIN, things={})
    found.settle()
    assert (step(found, "guard").state, step(found, "guard").reason) == (StepState.SKIPPED, Reason.OBJECT_NOT_FOUND)
    assert found.image == b.image("good")
    assert found.condition("Contained").status is ConditionStatus.TRUE


def test_else_what_comes_after_it_waits() -> None:
    found = world(GUARD, PIN, things={})
    found.live(600)
    assert found.patches == []


def test_the_last_that_acts_does_not_give_way() -> None:
    found = world({**GUARD, "onFailure": "Continue"}, {"name": "tell", "action": "Notify"}, things={})
    found.live(60)
    assert step(found, "guard").state is StepState.PENDING
    found.things = world().things
    found.live(10)
    assert data(found) == {"mode": "strict"}


def test_a_flag_that_is_set_already_is_passed_over_and_contains_nothing() -> None:
    found = world(GUARD, PIN, data={"mode": "strict"})
    found.settle()
    assert step(found, "guard").reason == Reason.ALREADY_SO
    assert len(found.patches) == 1
    assert found.image == b.image("good")


def test_what_an_earlier_step_contained_stays_so_while_a_later_one_waits() -> None:
    found = world(PIN, GUARD, things={}, verdict_on=lambda _: Verdict.BREACH)
    found.live(60)
    assert step(found, "guard").reason == Reason.OBJECT_NOT_FOUND
    assert found.condition("Contained").status is ConditionStatus.TRUE
    assert [e.reason for e in found.status.timeline].count("NotBegun") == 1


def test_a_variable_goes_back_to_absent_and_two_flags_of_one_object_go_one_by_one() -> None:
    both = [FLAGS[1], {"name": "depth", "env": {"name": "DEPTH"}, "value": "2"}]
    before = b.workload(env={b.CONTAINER: [("DEPTH", "8")]})
    rate = {"name": "rate", "action": "SetFlag", "setFlag": {"flag": "rate"}}
    depth = {"name": "depth", "action": "SetFlag", "setFlag": {"flag": "depth"}, "onFailure": "Undo"}
    found = world(rate, depth, model=b.model({"flags": both}), workload=before)

    def stuck(there: World, _: object) -> bool:
        there.rolls_out = len(there.patches) < 1
        return False

    found.live(340, stuck)
    assert found.workload is not None
    assert step(found, "depth").state is StepState.UNDONE
    assert dict(found.workload.containers[0].env) == {"DEPTH": "8", "RATE": "10"}
    assert found.workload.annotations["knowngood.dev/replaced-flags"] == "model/RATE"


def test_a_paused_workload_gets_no_variable() -> None:
    paused = dataclasses.replace(b.workload(), paused=True)
    assert isinstance(paused, Workload)
    found = world({"name": "rate", "action": "SetFlag", "setFlag": {"flag": "rate"}}, workload=paused)
    found.live(30)
    assert found.patches == []
    assert found.condition("Contained").reason == Reason.PAUSED


def test_pods_that_read_it_as_they_start_are_named() -> None:
    env_from = {"containers": [{"name": "model", "envFrom": [{"configMapRef": {"name": "guardrail"}}]}]}
    workload = dataclasses.replace(b.workload(), raw_template={"spec": env_from})
    found = world(workload=workload)
    found.settle()
    assert (
        "running pods of Deployment digits do not see it before they start anew" in found.condition("Contained").message
    )


def test_another_writer_who_takes_it_back_later_is_said_loudly() -> None:
    found = world(verdict_on=lambda _: Verdict.BREACH)
    found.live(30)
    found.write_thing(REF, {"data": {"mode": "relaxed"}})
    found.live(30)
    assert data(found) == {"mode": "relaxed"}
    assert len(found.patches) == 1
    assert found.status.phase is IncidentPhase.CONTAINMENT_FAILED
    assert (
        "another writer set key mode of ConfigMap guardrail to 'relaxed' after guard"
        in found.condition("Contained").message
    )


def test_what_was_approved_is_the_value_that_is_written() -> None:
    found = world(policy=b.policy(responses=[b.response(mode="Approval")]))
    found.live(10)
    assert found.status.plan is not None
    before = found.status.plan.hash
    other = [{**FLAGS[0], "value": "off"}]
    found.model = b.model({"knownGood": b.pinned(), "flags": other})
    found.live(10)
    assert found.status.plan.hash != before
    assert "to 'off'" in step(found, "guard").summary


def test_a_plan_says_which_containers_variable_is_set_and_another_is_asked_again() -> None:
    rate = {"name": "rate", "action": "SetFlag", "setFlag": {"flag": "rate"}}
    images = {b.CONTAINER: b.image("bad"), "proxy": b.image("bad")}
    policy = b.policy(responses=[b.response(mode="Approval")])
    found = world(rate, policy=policy, unguarded="", workload=b.workload(images))
    found.live(20)
    assert found.status.plan is not None
    old = found.status.plan.hash
    assert f"variable RATE of container {b.CONTAINER} of Deployment digits" in step(found, "rate").summary
    moved = [FLAGS[0], {"name": "rate", "env": {"name": "RATE", "container": "proxy"}, "value": "10"}]
    found.model = b.model({"knownGood": b.pinned(), "flags": moved})
    found.live(20)
    assert "of container proxy" in step(found, "rate").summary
    assert found.status.plan is not None
    assert found.status.plan.hash != old


def test_a_value_that_changes_between_the_intent_and_the_write_is_asked_anew() -> None:
    found = world(policy=b.policy(responses=[b.response(mode="Approval")]), unguarded="")
    found.live(20)
    assert found.status.plan is not None
    raw = found.incident.to_object()
    approval = {"decision": "Approve", "by": "alice", "planHash": found.status.plan.hash}
    found.incident = type(found.incident).from_object(b.merged(raw, {"spec": {"approval": approval}}))

    def change(there: World, effect: Effect) -> bool:
        swallowed = isinstance(effect, Apply)
        if swallowed:
            there.model = b.model({"knownGood": b.pinned(), "flags": [{**FLAGS[0], "value": "off"}]})
        return swallowed

    found.live(30, change)
    assert (found.patches, data(found)) == ([], {"mode": "relaxed"})
    assert found.condition("Contained").reason == Reason.PLAN_CHANGED
