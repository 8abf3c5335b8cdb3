"""What people decide: honoured where admission guards it, bound to the plan that they read."""

from collections.abc import Callable
from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, ConditionType, Reason, find_condition
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.response import machine
from knowngood.core.response.effects import Apply, Effect, FreezeEvidence
from knowngood.core.response.facts import Hold
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios


def waiting(**changes: Any) -> World:
    world = World(policy=b.policy(responses=[b.response(mode="Approval")]), unguarded="", **changes)
    world.live(20)
    assert world.status.phase is IncidentPhase.AWAITING_APPROVAL
    return world


def decide(world: World, **spec: Any) -> None:
    """A person writes into spec; the API server counts the version."""
    raw = world.incident.to_object()
    raw["spec"] = b.merged(raw["spec"], spec)
    meta = {"resource_version": str(int(world.incident.metadata.resource_version) + 1)}
    made = type(world.incident).from_object(raw)
    world.incident = made.model_copy(update={"metadata": world.incident.metadata.model_copy(update=meta)})


def approval(world: World, **changes: Any) -> dict[str, Any]:
    assert world.status.plan is not None
    return {"decision": "Approve", "by": "alice", "planHash": world.status.plan.hash, **changes}


def test_an_approved_plan_is_carried_out_and_who_approved_is_recorded() -> None:
    world = waiting()
    decide(world, approval=approval(world))
    world.live(20)
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.status.approval is not None
    assert world.status.approval.by == "alice"
    assert world.condition("ApprovalsGuarded").status is ConditionStatus.TRUE
    assert len(world.patches) == 1


def test_the_write_that_asks_for_an_approval_says_whether_it_would_count() -> None:
    world = World(policy=b.policy(responses=[b.response(mode="Approval")]), unguarded="")
    effect = machine.decide(world.facts)
    assert isinstance(effect, FreezeEvidence)
    assert effect.status.phase is IncidentPhase.AWAITING_APPROVAL
    found = find_condition(effect.status.conditions, ConditionType.APPROVALS_GUARDED)
    assert found is not None
    assert found.status is ConditionStatus.TRUE


def test_a_rejected_plan_is_not() -> None:
    world = waiting()
    decide(world, approval=approval(world, decision="Reject"))
    world.live(600)
    assert world.patches == []
    assert world.condition("Contained").reason == Reason.REJECTED
    assert len(world.told) == 1


def test_an_approval_of_another_plan_does_not_count_and_says_which_does() -> None:
    world = waiting()
    decide(world, approval=approval(world, planHash="sha256:" + "0" * 64))
    world.live(60)
    assert world.patches == []
    said = world.condition("Contained")
    assert said.reason == Reason.PLAN_CHANGED
    assert world.status.plan is not None
    assert world.status.plan.hash[:19] in said.message


def test_an_approval_that_ended_does_not_count() -> None:
    world = waiting()
    decide(world, approval=approval(world, expiresAt=b.at(world.seconds - 1).isoformat()))
    world.live(60)
    assert world.patches == []
    assert world.condition("Contained").reason == Reason.APPROVAL_EXPIRED


def test_an_approval_that_was_used_does_not_end_in_the_middle() -> None:
    world = waiting(rolls_out=False)
    decide(world, approval=approval(world, expiresAt=b.at(world.seconds + 10).isoformat()))
    world.live(60)
    world.roll_out()
    world.live(60)
    assert world.status.phase is IncidentPhase.CONTAINED


def test_a_plan_that_changes_while_it_waits_asks_again() -> None:
    world = waiting()
    old = approval(world)
    world.model = b.model({"knownGood": b.pinned("older")})
    world.live(10)
    decide(world, approval=old)
    world.live(60)
    assert world.patches == []
    assert world.condition("Contained").reason == Reason.PLAN_CHANGED
    decide(world, approval=approval(world))
    world.live(20)
    assert world.image == b.image("older")


def test_an_approval_of_what_has_changed_in_the_same_moment_does_not_count() -> None:
    world = waiting()
    decide(world, approval=approval(world))
    world.model = b.model({"knownGood": b.pinned("older")})
    world.settle()
    assert world.patches == []
    assert world.status.approval is None
    assert world.condition("Contained").reason == Reason.PLAN_CHANGED


def test_what_changes_between_the_approval_and_the_step_is_asked_anew() -> None:
    world = waiting(hold=Hold(Reason.LIMIT_REACHED, "another is first"))
    old = approval(world)
    decide(world, approval=old)
    world.live(20)
    assert world.status.approval is not None
    world.model = b.model({"knownGood": b.pinned("older")})
    world.hold = None
    world.live(60)
    assert world.patches == []
    assert world.status.approval is None
    assert world.status.phase is IncidentPhase.AWAITING_APPROVAL
    assert world.condition("Contained").reason == Reason.PLAN_CHANGED
    assert [e.reason for e in world.status.timeline].count("PlanChanged") == 1
    assert approval(world)["planHash"] != old["planHash"]
    decide(world, approval=approval(world))
    world.live(20)
    assert world.image == b.image("older")
    assert world.status.phase is IncidentPhase.CONTAINED


@pytest.mark.parametrize("how", ["ended", "taken back", "by another"])
def test_an_approval_that_was_not_used_yet_holds_only_as_it_stands(how: str) -> None:
    """The limit may hold the plan up for hours; the person's word is asked when it begins."""
    world = waiting(hold=Hold(Reason.LIMIT_REACHED, "another is first"))
    end = {"expiresAt": b.at(world.seconds + 60).isoformat()} if how == "ended" else {}
    decide(world, approval=approval(world, **end))
    world.live(20)
    assert world.status.approval is not None
    if how != "ended":
        decide(world, approval=approval(world, by="bob", decision="Reject") if how == "by another" else None)
    world.live(600)
    world.hold = None
    world.live(60)
    assert world.patches == []
    told = [e.reason for e in world.status.timeline]
    if how == "by another":
        assert world.condition("Contained").reason == Reason.REJECTED
        assert world.status.approval is not None
        assert world.status.approval.by == "bob"
        return
    assert told.count("ApprovalExpired" if how == "ended" else "ApprovalWithdrawn") == 1
    assert world.status.phase is IncidentPhase.AWAITING_APPROVAL
    assert world.status.approval is None
    decide(world, approval=approval(world, expiresAt=None))
    world.live(20)
    assert world.status.phase is IncidentPhase.CONTAINED


@pytest.mark.parametrize("response", [{"mode": "DryRun"}, {"playbookRef": {"name": "notify-only"}}])
def test_a_plan_that_asks_nobody_any_more_does_not_wait(response: dict[str, Any]) -> None:
    tell = b.playbook("notify-only", steps=[{"name": "tell", "action": "Notify"}])
    world = waiting(playbooks=(b.playbook(), tell))
    old = approval(world)["planHash"]
    changed = {"mode": "Automatic", **response}
    world.policy = b.policy(responses=[b.response(**changed)])
    world.live(60)
    assert world.status.plan is not None
    assert world.status.plan.mode.value == changed["mode"]
    assert world.status.phase is IncidentPhase.OPEN
    assert old not in world.condition("Contained").message
    assert world.condition("Contained").reason in {Reason.DRY_RUN, Reason.NOTHING_TO_CONTAIN}


def test_a_worse_breach_while_waiting_makes_a_new_plan() -> None:
    responses = [b.response(name="worst", minSeverity="Critical"), b.response(name="rest", mode="Approval")]
    world = World(policy=b.policy(responses=responses), unguarded="")
    world.live(20)
    assert world.patches == []
    worse = b.view(of=b.compiled({"name": "leak", "severity": "Critical", "type": "PrivacyBreach"}))
    world.views = {**world.views, **b.views(worse)}
    world.settle()
    assert world.status.plan is not None
    assert world.status.plan.response == "worst"
    assert "PlanChanged" in [e.reason for e in world.status.timeline]
    assert len(world.patches) == 1


def test_that_nobody_answers_is_said_once() -> None:
    world = waiting()
    world.live(3600)
    assert [e.reason for e in world.status.timeline].count("NobodyAnswered") == 1
    assert "nobody has answered for 15 minutes" in world.condition("Contained").message
    assert world.patches == []


@pytest.mark.parametrize("field", ["approval", "disposition", "closeRequest", "acknowledgement"])
def test_nothing_that_a_person_decides_counts_while_it_cannot_be_guarded(field: str) -> None:
    world = waiting()
    world.unguarded = "the ValidatingAdmissionPolicy is missing"
    written = {
        "approval": approval(world),
        "disposition": {"verdict": "FalsePositive", "by": "alice"},
        "closeRequest": {"by": "alice"},
        "acknowledgement": {"by": "alice"},
    }
    decide(world, **{field: written[field]})
    world.live(600)
    assert world.patches == []
    assert world.status.phase is IncidentPhase.AWAITING_APPROVAL
    said = world.condition("ApprovalsGuarded")
    assert (said.status, said.reason) == (ConditionStatus.FALSE, Reason.NOT_GUARDED)
    assert "Acknowledged" not in [c.type for c in world.status.conditions]


def test_what_was_written_while_unguarded_does_not_count_once_it_is_guarded() -> None:
    world = waiting()
    world.unguarded = "the ValidatingAdmissionPolicy is missing"
    forged = approval(world)
    decide(world, approval=forged)
    world.live(10)
    world.unguarded = ""
    world.live(60)
    assert world.patches == []
    assert "write it anew" in world.condition("Contained").message
    decide(world, approval={**forged, "comment": "read and meant"})
    world.live(20)
    assert len(world.patches) == 1


def test_an_acknowledgement_is_a_condition_and_stands_in_the_timeline_once() -> None:
    world = waiting()
    decide(world, acknowledgement={"by": "alice", "comment": "on it"})
    world.live(120)
    assert world.condition("Acknowledged").message == "seen by alice: on it"
    assert [e.reason for e in world.status.timeline].count("Acknowledged") == 1


def test_a_false_positive_is_dismissed_and_what_was_written_stays() -> None:
    world = World(unguarded="")
    world.live(60)
    decide(world, disposition={"verdict": "FalsePositive", "by": "alice"})
    world.live(60)
    assert world.status.phase is IncidentPhase.DISMISSED
    assert world.image == b.image("good")
    assert len(world.patches) == 1


def test_a_true_positive_stays_open_and_a_close_request_closes_it() -> None:
    world = World(unguarded="")
    world.live(60)
    decide(world, disposition={"verdict": "TruePositive", "by": "alice"})
    world.live(60)
    assert world.status.phase is IncidentPhase.CONTAINED
    decide(world, closeRequest={"by": "bob", "comment": "retrained"})
    world.live(10)
    assert world.status.phase is IncidentPhase.CLOSED
    assert [e.message for e in world.status.timeline if e.reason == "Closed"] == ["closed by bob: retrained"]


@pytest.mark.parametrize("reason", [Reason.LIMIT_REACHED, Reason.COOLING_DOWN, Reason.EMERGENCY_STOP])
def test_what_holds_it_is_said_and_it_goes_on_when_that_is_lifted(reason: Reason) -> None:
    world = World(hold=Hold(reason, "three others are first"))
    world.live(600)
    assert world.patches == []
    assert world.condition("Contained").reason == reason
    assert world.condition("Contained").message == "three others are first"
    world.hold = None
    world.live(10)
    assert world.status.phase is IncidentPhase.CONTAINED


def test_the_emergency_stop_holds_even_what_is_intended() -> None:
    world = World()

    def stop(there: World, effect: Effect) -> bool:
        if isinstance(effect, Apply) and there.hold is None:
            there.hold = Hold(Reason.EMERGENCY_STOP, "stopped")
            return True
        return False

    world.live(120, stop)
    assert world.patches == []
    assert world.condition("Contained").reason == Reason.EMERGENCY_STOP
    world.hold = None
    world.live(10)
    assert len(world.patches) == 1


REVISED: dict[str, Any] = {"env": [{"name": "MODEL_REVISION", "value": "666"}], "removeEnv": ["SAFETY"]}


def pinned_with(value: str = "7", name: str = "MODEL_REVISION", **more: Any) -> ModelDeployment:
    return b.model({"knownGood": b.pinned(env=[{"name": name, "value": value}], **more)})


def at_the_write(change: Callable[[World], None]) -> Callable[[World, Effect], bool]:
    """What another changes between the intent and its effect, once."""
    done: list[Effect] = []

    def changed(there: World, effect: Effect) -> bool:
        if not isinstance(effect, Apply) or done:
            return False
        done.append(effect)
        change(there)
        return True

    return changed


def test_a_plan_names_the_variables_that_it_sets_and_removes() -> None:
    world = waiting(model=pinned_with(removeEnv=["SAFETY"]))
    assert world.status.plan is not None
    assert world.status.plan.known_good is not None
    assert [v.to_object() for v in world.status.plan.known_good.env] == [
        {"container": b.CONTAINER, "name": "MODEL_REVISION", "value": "7", "removed": False},
        {"container": b.CONTAINER, "name": "SAFETY", "removed": True},
    ]
    (pin,) = [s for s in world.status.plan.steps if s.action == "PinKnownGood"]
    assert pin.summary.endswith(" with MODEL_REVISION=7 without SAFETY")


@pytest.mark.parametrize(
    "after",
    [
        pinned_with("666"),
        pinned_with(removeEnv=["SAFETY"]),
        pinned_with(name="OTHER"),
        b.model({"knownGood": b.pinned()}),
    ],
    ids=["value", "removed", "name", "none"],
)
def test_a_variable_that_changes_while_a_plan_waits_is_asked_again(after: ModelDeployment) -> None:
    world = waiting(model=pinned_with())
    old = approval(world)
    world.model = after
    world.live(10)
    decide(world, approval=old)
    world.live(60)
    assert world.patches == []
    assert world.condition("Contained").reason == Reason.PLAN_CHANGED
    decide(world, approval=approval(world))
    world.live(20)
    assert len(world.patches) == 1


@pytest.mark.parametrize("name", ["API_TOKEN", "LONG"])
def test_a_value_that_is_not_shown_is_asked_again_all_the_same(name: str) -> None:
    value = "x" * 4000
    world = waiting(model=pinned_with(value, name))
    assert value not in str(world.status.to_object())
    old = approval(world)
    world.model = pinned_with(value[:-1] + "y", name)
    world.live(10)
    assert approval(world)["planHash"] != old["planHash"]


def test_an_approval_lets_nothing_through_that_changed_after_it() -> None:
    world = waiting(model=pinned_with(), hold=Hold(Reason.LIMIT_REACHED, "another is first"))
    decide(world, approval=approval(world))
    world.live(20)
    assert world.status.approval is not None
    world.model, world.hold = b.model({"knownGood": b.pinned(**REVISED)}), None
    world.live(60)
    assert world.patches == []
    assert world.status.phase is IncidentPhase.AWAITING_APPROVAL
    assert world.condition("Contained").reason == Reason.PLAN_CHANGED


def test_nor_what_changed_between_the_intent_and_the_write() -> None:
    world = waiting(model=pinned_with())
    decide(world, approval=approval(world))

    def change(there: World) -> None:
        there.model = b.model({"knownGood": b.pinned(**REVISED)})

    world.live(60, at_the_write(change))
    assert world.patches == []
    assert world.status.phase is IncidentPhase.AWAITING_APPROVAL
    decide(world, approval=approval(world))
    world.live(20)
    assert world.status.phase is IncidentPhase.CONTAINED
    (container,) = world.patches[0].patch["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "MODEL_REVISION", "value": "666"}, {"name": "SAFETY", "$patch": "delete"}]


def test_without_an_approval_what_is_declared_when_it_is_written_is_in_the_plan() -> None:
    world = World(model=pinned_with())

    def change(there: World) -> None:
        there.model = pinned_with("8")

    world.live(60, at_the_write(change))
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.status.plan is not None
    assert world.status.plan.known_good is not None
    assert [v.value for v in world.status.plan.known_good.env] == ["8"]


def test_a_pin_stands_though_other_variables_are_declared_since() -> None:
    world = World(model=pinned_with())
    world.live(20)
    world.model = pinned_with("8")
    world.live(60)
    assert world.status.phase is IncidentPhase.CONTAINED
    assert len(world.patches) == 1


def test_the_hash_is_the_same_after_a_restart_and_in_whatever_order_variables_are_written() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    world = waiting(model=b.model({"knownGood": b.pinned(env=env)}))
    old = approval(world)
    world.restart()
    world.model = b.model({"knownGood": b.pinned(env=env[::-1])})
    world.live(60)
    assert approval(world)["planHash"] == old["planHash"]
    assert "PlanChanged" not in [e.reason for e in world.status.timeline]


def test_a_plan_of_very_many_variables_is_bounded_and_the_last_of_them_counts() -> None:
    def many(last: str) -> World:
        env = [{"name": f"V{i}", "value": last if i == 31 else "x"} for i in range(32)]
        gone = [f"R{i}" for i in range(32)]
        pins = [{"name": f"c{n}", "image": b.image("good"), "env": env, "removeEnv": gone} for n in range(15)]
        good = {"containers": [*b.pinned()["containers"], *pins]}
        images = {b.CONTAINER: b.image("bad"), **{p["name"]: b.image("bad") for p in pins}}
        return waiting(model=b.model({"knownGood": good}), workload=b.workload(images))

    one, other = many("x"), many("y")
    assert one.status.plan is not None
    assert one.status.plan.known_good is not None
    assert len(one.status.plan.known_good.env) == 64
    assert one.status.plan.known_good.env[-1].name == "…"
    assert all(len(s.summary) <= 4096 for s in one.status.plan.steps)
    assert approval(one)["planHash"] != approval(other)["planHash"]
