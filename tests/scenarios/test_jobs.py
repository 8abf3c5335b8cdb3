"""RunJob: what the administrator allows, once, word for word; what follows waits for its end."""

from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.things import Ref, Thing, read_thing
from knowngood.core.response import jobs, templates
from knowngood.core.response.effects import Apply, Effect
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
SPEC = {"backoffLimit": 2, "template": {"spec": {"containers": [{"name": "c", "image": "scrub"}]}}}
EVIDENCE = {"name": "evidence", "action": "FreezeEvidence"}
SCRUB = {"name": "scrub", "action": "RunJob", "runJob": {"template": "scrub"}, "timeout": "2m"}
PIN = {"name": "pin", "action": "PinKnownGood"}
JOB = jobs.ref(b.incident(), "scrub")


def template(suspend: bool = True) -> Thing:
    return b.thing("CronJob", "scrub", {"spec": {"suspend": suspend, "jobTemplate": {"spec": SPEC}}})


def world(*steps: dict[str, Any], **changes: Any) -> World:
    values = {"things": {Ref("CronJob", "scrub"): template()}, **changes}
    return World(playbooks=(b.playbook(steps=[EVIDENCE, *(steps or (SCRUB,))]),), **values)


def step(found: World, name: str = "scrub") -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def test_the_job_is_what_the_template_says() -> None:
    found = world()
    found.settle()
    (made,) = found.made
    assert made.body["spec"] == SPEC
    assert made.body["metadata"]["annotations"]["knowngood.dev/template"] == "scrub"
    assert made.body["metadata"]["ownerReferences"][0]["uid"] == found.incident.metadata.uid
    assert len(made.name) <= 63
    assert step(found).state is StepState.DONE
    assert found.condition("Contained").reason == Reason.NOTHING_TO_CONTAIN


def test_what_follows_waits_for_its_end() -> None:
    found = world(SCRUB, PIN, job_ends="")
    found.live(60)
    assert (len(found.made), found.patches) == (1, [])
    found.things[JOB] = ended(found.things[JOB], "Complete")
    found.live(10)
    assert found.image == b.image("good")
    assert found.status.phase is IncidentPhase.CONTAINED


def ended(job: Thing, how: str) -> Thing:
    condition = {"type": how, "status": "True", "reason": "BackoffLimitExceeded", "message": "it tried three times"}
    return read_thing({**job.raw, "status": {"conditions": [condition]}})


def test_a_job_that_fails_is_said_and_is_no_loss_of_containment() -> None:
    found = world(PIN, SCRUB, job_ends="")
    found.live(30)
    found.things[JOB] = ended(found.things[JOB], "Failed")
    found.live(10)
    assert (step(found).state, step(found).reason) == (StepState.FAILED, Reason.JOB_FAILED)
    assert "BackoffLimitExceeded it tried three times" in step(found).message
    assert found.condition("Contained").status is ConditionStatus.TRUE
    assert found.status.phase is IncidentPhase.CONTAINED


def test_one_that_does_not_end_in_time_has_failed() -> None:
    found = world(job_ends="")
    found.live(140)
    assert (step(found).state, step(found).reason) == (StepState.FAILED, Reason.ROLL_OUT_STUCK)
    assert f"look at {JOB} and its pods" in step(found).message


def test_one_that_is_taken_away_is_not_run_again() -> None:
    found = world(job_ends="")
    found.live(20)
    del found.things[JOB]
    found.live(30)
    assert len(found.made) == 1
    assert step(found).reason == Reason.PERSON_WROTE


def test_one_that_has_ended_may_go() -> None:
    found = world()
    found.live(20)
    del found.things[JOB]
    found.live(30)
    assert len(found.made) == 1
    assert step(found).state is StepState.DONE


@pytest.mark.parametrize(
    ("things", "reason", "says"),
    [
        ({}, Reason.OBJECT_NOT_FOUND, "there is no CronJob scrub in this namespace; make it, with suspend: true"),
        ({Ref("CronJob", "scrub"): template(suspend=False)}, Reason.INVALID, "write suspend: true"),
    ],
)
def test_what_stands_in_its_way_is_said(things: dict[Ref, Thing], reason: Reason, says: str) -> None:
    found = world(things=things)
    found.live(30)
    assert found.made == []
    assert step(found).reason == reason
    assert says in step(found).message


def test_dry_run_runs_nothing() -> None:
    found = world(policy=b.policy(responses=[b.response(mode="DryRun")]))
    found.live(30)
    assert found.made == []
    assert "from the template scrub" in step(found).summary


OTHER = {"template": {"spec": {"containers": [{"name": "c", "image": "another"}]}}}
CRON = Ref("CronJob", "scrub")
GATE = {"name": "scrub", "action": "Gate", "gate": {"job": {"template": "scrub"}}}
BOTH = pytest.mark.parametrize("runs", [SCRUB, GATE], ids=["RunJob", "Gate"])


def rewritten(found: World, spec: dict[str, Any] = OTHER) -> None:
    """Somebody changes the template."""
    found.write_thing(CRON, {"spec": {"jobTemplate": {"spec": spec}}})


def asked(*steps: dict[str, Any], **changes: Any) -> World:
    """Its plan waits for a person."""
    policy = b.policy(responses=[b.response(mode="Approval")])
    found = world(*steps, policy=policy, unguarded="", **changes)
    found.live(20)
    assert found.status.phase is IncidentPhase.AWAITING_APPROVAL
    return found


def plan_hash(found: World) -> str:
    assert found.status.plan is not None
    return found.status.plan.hash


def approves(found: World, read: str = "") -> None:
    approval = {"decision": "Approve", "by": "alice", "planHash": read or plan_hash(found)}
    raw = found.incident.to_object()
    found.incident = type(found.incident).from_object(b.merged(raw, {"spec": {"approval": approval}}))


@BOTH
def test_the_plan_says_at_once_what_the_template_was(runs: dict[str, Any]) -> None:
    found = asked(PIN, runs)
    assert step(found).template_digest == templates.digest(found.things[CRON])
    assert step(found).template_digest[:19] in step(found).summary
    assert "PlanChanged" not in [e.reason for e in found.status.timeline]


@BOTH
def test_a_template_that_changes_while_the_plan_waits_is_asked_again(runs: dict[str, Any]) -> None:
    found = asked(PIN, runs)
    old = plan_hash(found)
    rewritten(found)
    found.live(10)
    approves(found, old)
    found.live(30)
    assert (found.patches, found.made) == ([], [])
    assert found.condition("Contained").reason == Reason.PLAN_CHANGED
    approves(found)
    found.live(30)
    assert [made.body["spec"] for made in found.made] == [{**SPEC, **OTHER}]


@BOTH
def test_one_that_changes_after_the_approval_is_asked_again(runs: dict[str, Any]) -> None:
    found = asked(PIN, runs, rolls_out=False)
    approves(found)
    found.live(20)
    assert found.status.approval is not None
    rewritten(found)
    found.roll_out()
    found.live(30)
    assert (len(found.patches), found.made) == (1, [])
    assert step(found).reason == Reason.PLAN_CHANGED
    approves(found)
    found.live(30)
    assert [made.body["spec"] for made in found.made] == [{**SPEC, **OTHER}]


@BOTH
def test_nor_is_one_run_that_changed_between_the_intent_and_the_job(runs: dict[str, Any]) -> None:
    found = asked(runs, PIN)
    approves(found)
    done: list[Effect] = []

    def change(there: World, effect: Effect) -> bool:
        if not isinstance(effect, Apply) or done:
            return False
        done.append(effect)
        rewritten(there)
        return True

    found.live(30, change)
    assert (len(done), found.made) == (1, [])
    assert found.status.approval is None
    approves(found)
    found.live(30)
    assert [made.body["spec"] for made in found.made] == [{**SPEC, **OTHER}]


@BOTH
def test_what_does_not_change_the_job_asks_nothing(runs: dict[str, Any]) -> None:
    found = asked(PIN, runs)
    old = plan_hash(found)
    reordered = {key: SPEC[key] for key in reversed(SPEC)}
    found.write_thing(CRON, {"spec": {"schedule": "@yearly", "jobTemplate": {"spec": reordered}}})
    found.restart()
    found.live(30)
    assert plan_hash(found) == old


@BOTH
def test_a_template_that_cannot_be_read_for_a_while_changes_nothing(runs: dict[str, Any]) -> None:
    found = asked(PIN, runs)
    old, kept = plan_hash(found), found.things.pop(CRON)
    found.live(20)
    assert plan_hash(found) == old
    found.things[CRON] = kept
    approves(found, old)
    found.live(30)
    assert len(found.made) == 1
