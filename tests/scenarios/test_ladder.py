"""Rungs: what follows when a step fails or does not help, and what must not follow."""

import dataclasses

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import StepState
from knowngood.core.response.effects import Apply
from knowngood.core.response.facts import Hold
from tests import builders as b
from tests.scenarios.world import World, killed_at

pytestmark = pytest.mark.scenarios
ESCALATE = {"after": "5m", "steps": [b.AWAY]}


def world(escalate: object = ESCALATE, on_failure: str = "Escalate", **changes: object) -> World:
    made = b.playbook(escalate=escalate, onFailure=on_failure)  # type: ignore[arg-type]
    return World(playbooks=(made,), **changes)  # type: ignore[arg-type]


def state(found: World, name: str) -> StepState:
    assert found.status.plan is not None
    return next(s.state for s in found.status.plan.steps if s.name == name)


def reasons(found: World) -> list[str]:
    return [e.reason for e in found.status.timeline]


def test_the_next_rung_is_not_touched_while_the_first_helps() -> None:
    found = world()
    found.live(1200)
    assert state(found, "away") is StepState.PENDING
    assert found.status.phase is IncidentPhase.CONTAINED
    assert len(found.patches) == 1


def test_a_signal_that_does_not_recover_in_time_brings_the_next_rung() -> None:
    found = world(verdict_on=lambda _: Verdict.BREACH)
    found.live(290)
    assert len(found.patches) == 1
    found.live(60)
    assert found.workload is not None
    assert found.workload.replicas == 0
    assert len(found.patches) == 2
    assert found.condition("Contained").status is ConditionStatus.TRUE
    assert found.condition("ContainmentEffective").reason == Reason.SCALED_TO_ZERO
    assert reasons(found).count("Escalated") == 1


def stuck(on_failure: str, escalate: object = ESCALATE) -> World:
    found = world(escalate, on_failure, rolls_out=False)
    found.live(320)
    return found


def test_a_step_that_fails_escalates_at_once() -> None:
    found = stuck("Escalate")
    assert state(found, "pin") is StepState.FAILED
    assert found.workload is not None
    assert found.workload.replicas == 0
    found.roll_out()
    found.live(10)
    assert found.status.phase is IncidentPhase.CONTAINED
    assert state(found, "away") is StepState.DONE
    assert state(found, "tell") is StepState.DONE, "told once, when all is done"
    assert len(found.told) == 1
    found.live(600)
    assert state(found, "pin") is StepState.FAILED, "of no pods it cannot be said that they run the known-good release"
    assert reasons(found).count("Contained") == 1


def test_without_a_next_rung_it_has_failed_and_is_told() -> None:
    found = stuck("Escalate", None)
    assert found.status.phase is IncidentPhase.CONTAINMENT_FAILED
    assert found.told[0].reason == "IncidentNotContained"


def test_what_a_step_did_is_taken_back_where_it_says_undo() -> None:
    found = stuck("Undo", None)
    assert found.image == b.image("bad")
    assert state(found, "pin") is StepState.UNDONE
    assert found.condition("Contained").reason == Reason.UNDONE
    assert len(found.patches) == 2
    assert found.workload is not None
    assert found.workload.replicas > 0, "no next rung"
    assert not [a for a in found.workload.annotations if a.startswith("knowngood.dev/")]


def test_what_was_taken_back_escalates_in_time_while_it_is_out_of_its_limits() -> None:
    found = stuck("Undo")
    assert found.image == b.image("bad")
    assert state(found, "pin") is StepState.UNDONE
    assert found.workload is not None
    assert found.workload.replicas == 0


def test_an_undo_is_of_exactly_what_was_written() -> None:
    pinned = b.pinned("good", env=[{"name": "MODEL_REVISION", "value": "7"}], removeEnv=["EXTRA"])
    before = b.workload(env={b.CONTAINER: [("MODEL_REVISION", "8"), ("EXTRA", "1"), ("OTHER", "x")]})
    evidence = b.evidence().model_copy(update={"workload": b.seen(before)})
    found = world(None, "Undo", rolls_out=False, model=b.model({"knownGood": pinned}), workload=before)
    found.evidence = evidence
    found.live(320)
    assert found.workload is not None
    assert dict(found.workload.containers[0].env) == {"MODEL_REVISION": "8", "EXTRA": "1", "OTHER": "x"}
    assert found.workload.images == before.images


def test_what_cannot_be_put_back_is_not_guessed() -> None:
    pinned = b.pinned("good", env=[{"name": "API_KEY", "value": "7"}])
    before = b.workload(env={b.CONTAINER: [("API_KEY", "8")]})
    found = world(None, "Undo", rolls_out=False, model=b.model({"knownGood": pinned}), workload=before)
    found.evidence = b.evidence().model_copy(update={"workload": b.seen(before)})
    found.live(320)
    assert found.image == b.image("good")
    assert state(found, "pin") is StepState.FAILED
    assert "cannot be put back" in found.condition("Contained").message


def test_continue_goes_on_with_the_next_step() -> None:
    steps = [{"name": "pin", "action": "PinKnownGood", "timeout": "1m", "onFailure": "Continue"}, b.AWAY]
    found = World(playbooks=(b.playbook(steps=steps),), rolls_out=False)
    found.live(80)
    assert state(found, "pin") is StepState.FAILED
    assert found.workload is not None
    assert found.workload.replicas == 0


def test_a_persons_write_is_never_escalated() -> None:
    found = world(verdict_on=lambda _: Verdict.BREACH, rolls_out=False)
    found.person_sets("fix")
    found.live(2400)
    assert found.patches == []
    assert found.condition("Contained").reason == Reason.PERSON_WROTE


def test_a_person_who_scales_up_again_wins() -> None:
    found = world(verdict_on=lambda _: Verdict.BREACH)
    found.live(400)
    assert found.workload is not None
    assert found.workload.replicas == 0
    found.write(dataclasses.replace(found.workload, replicas=2))
    found.live(1200)
    assert found.workload.replicas == 2
    assert len(found.patches) == 2


def test_a_pin_that_cannot_begin_escalates_in_time_while_it_is_out_of_its_limits() -> None:
    found = world(model=b.model())
    found.live(280)
    assert found.patches == []
    assert found.condition("Contained").reason == Reason.NOTHING_PROVEN
    found.live(40)
    assert found.workload is not None
    assert found.workload.replicas == 0


@pytest.mark.parametrize("reason", [Reason.LIMIT_REACHED, Reason.COOLING_DOWN, Reason.EMERGENCY_STOP])
def test_what_only_waits_for_its_turn_is_tried_before_the_next_rung(reason: Reason) -> None:
    found = world(hold=Hold(reason, "it waits"))
    found.live(1200)
    assert found.patches == []
    found.hold = None
    found.live(60)
    assert found.workload is not None
    assert found.workload.replicas == 2, "a release that is known to be good is tried before an outage"
    assert found.image == b.image("good")
    assert found.status.phase is IncidentPhase.CONTAINED


@pytest.mark.parametrize("reason", [Reason.EMERGENCY_STOP, Reason.SUSPENDED])
def test_nothing_is_taken_back_while_all_is_stopped(reason: Reason) -> None:
    found = world(None, "Undo", rolls_out=False)
    found.live(290)
    assert len(found.patches) == 1
    found.hold = Hold(reason, "stopped")
    found.live(120)
    assert len(found.patches) == 1
    assert found.condition("Contained").reason == reason
    found.hold = None
    found.live(60)
    assert len(found.patches) == 2, "taken back once it may be"


@pytest.mark.parametrize("reason", [Reason.EMERGENCY_STOP, Reason.SUSPENDED])
def test_what_was_let_in_is_not_written_while_all_is_stopped(reason: Reason) -> None:
    found = world()

    def stop(there: World, effect: object) -> bool:
        there.hold = Hold(reason, "stopped") if isinstance(effect, Apply) else there.hold
        return isinstance(effect, Apply)

    found.live(60, stop)
    assert found.patches == []
    found.live(60)
    assert found.patches == []
    assert found.condition("Contained").reason == reason


def test_a_window_that_began_before_the_containment_is_no_reason_to_escalate() -> None:
    slow = {"ratio": {"good": "good_total", "total": "all_total", "window": "20m"}}
    long = dataclasses.replace(b.view(), signal=b.compiled(slow))
    found = world(views=b.views(long))
    found.settle()
    assert found.status.phase is IncidentPhase.CONTAINED
    found.later(600)
    still = dataclasses.replace(b.view(Verdict.BREACH, "good", found.seconds), signal=b.compiled(slow))
    found.views = b.views(still)
    found.settle()
    assert found.workload is not None
    assert found.workload.replicas == 2
    found.later(700)
    found.settle()
    assert found.workload.replicas == 0, "by now the window began after the containment"


def test_dry_run_plans_both_rungs_and_touches_nothing() -> None:
    dry = world(policy=b.policy(responses=[b.response(mode="DryRun")]))
    dry.live(3600)
    assert dry.patches == []
    assert dry.status.plan is not None
    assert [s.name for s in dry.status.plan.steps] == ["evidence", "pin", "tell", "away"]


@pytest.mark.parametrize("at", range(1, 40))
@pytest.mark.parametrize("kind", ["stuck, escalate", "stuck, undo", "ineffective"])
def test_a_kill_at_any_effect_loses_and_doubles_nothing(kind: str, at: int) -> None:
    """The effect is done and the process is gone before anything else; both halves of it are tried."""

    def made() -> World:
        if kind == "ineffective":
            return world(verdict_on=lambda _: Verdict.BREACH)
        return world(ESCALATE, "Undo" if kind.endswith("undo") else "Escalate", rolls_out=False)

    plain = made()
    plain.live(700)
    for lost in (False, True):
        found = made()
        found.live(700, killed_at(at, lost))
        assert found.workload is not None
        assert plain.workload is not None
        assert found.workload.containers == plain.workload.containers
        assert found.workload.replicas == plain.workload.replicas
        assert len(found.patches) == len(plain.patches)
        assert found.status.phase is plain.status.phase


WEAK_FIRST = [
    b.response(minSeverity="High", origins=["Signal", "Integrity"]),
    b.response(name="rest", playbookRef={"name": "notify-only"}),
]
NOTIFY = b.playbook("notify-only", [{"name": "keep", "action": "FreezeEvidence"}, {"name": "say", "action": "Notify"}])
DECAY = b.view(of=b.compiled({"name": "slow-decay", "severity": "Medium"}))


def weak(responses: object = WEAK_FIRST, **changes: object) -> World:
    """A weak signal opened it, and all that is asked for then is done."""
    policy = b.policy([b.signal(name="slow-decay", severity="Medium"), b.signal()], responses)  # type: ignore[arg-type]
    values: dict[str, object] = {"incident": b.incident(found=DECAY), "views": b.views(DECAY), **changes}
    found = World(policy=policy, playbooks=(b.playbook(), NOTIFY), **values)  # type: ignore[arg-type]
    found.settle()
    assert found.patches == []
    return found


def strong_joins(found: World) -> None:
    found.later(60)
    found.views = b.views(DECAY, b.view(since=found.seconds))
    found.settle()


def test_a_stronger_signal_that_joins_a_weak_incident_is_contained() -> None:
    found = weak()
    assert [state(found, n) for n in ("keep", "say")] == [StepState.DONE] * 2
    strong_joins(found)
    assert found.status.plan is not None
    assert found.status.plan.response == "bad-release"
    assert found.image == b.image("good")
    assert [state(found, n) for n in ("evidence", "pin", "tell")] == [StepState.DONE] * 3
    assert found.frozen == 1, "the evidence that is there is not gathered again"
    assert [t.reason for t in found.told] == ["IncidentNotContained", "IncidentContained"]
    assert reasons(found).count("PlanChanged") == 1
    records = found.records
    found.settle()
    assert found.records == records


def test_what_would_tell_the_same_is_not_told_again() -> None:
    """Another plan that contains nothing either, and a step that tells before anything is done."""
    steps = [{"name": "hear", "action": "Notify"}, {"name": "pin", "action": "PinKnownGood"}]
    loud = b.playbook("loud", [*steps, {"name": "tell", "action": "Notify"}])
    other = b.playbook("other", [{"name": "keep", "action": "FreezeEvidence"}, {"name": "again", "action": "Notify"}])
    for name, told in (("other", ["IncidentNotContained"]), ("loud", ["IncidentNotContained", "IncidentContained"])):
        found = weak([{**WEAK_FIRST[0], "playbookRef": {"name": name}}, WEAK_FIRST[1]])
        found.playbooks = (*found.playbooks, loud, other)
        strong_joins(found)
        assert found.status.plan is not None
        assert found.status.plan.playbook == name
        assert [t.reason for t in found.told] == told


def test_a_dry_run_of_a_weak_response_does_not_hold_back_a_strong_one() -> None:
    found = weak([WEAK_FIRST[0], b.response(name="rest", mode="DryRun")])
    assert state(found, "pin") is StepState.SKIPPED
    strong_joins(found)
    assert found.image == b.image("good")


def test_what_a_signal_bears_out_is_answered_as_a_signal_is_but_waits_for_approval() -> None:
    found = weak(incident=b.incident(origin="User"), views=b.views(b.view(Verdict.HEALTHY, "bad")))
    strong_joins(found)
    assert found.status.plan is not None
    assert found.status.plan.response == "bad-release"
    assert found.status.phase is IncidentPhase.AWAITING_APPROVAL
    assert found.patches == []
