"""Isolate: callers away first, then nothing in or out, then the pods kept; never an outage that nobody asked for."""

import dataclasses
from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.things import Ref
from knowngood.core.facts.workload import Pod
from knowngood.core.response.effects import Apply
from knowngood.core.response.facts import Hold
from knowngood.core.response.mutation import Creation
from tests import builders as b
from tests.scenarios.world import World, killed_at

pytestmark = pytest.mark.scenarios
SERVICE, POLICY = Ref("Service", b.MODEL), Ref("NetworkPolicy", "knowngood-isolated-digits")
EVIDENCE = {"name": "evidence", "action": "FreezeEvidence"}
CUT = {"name": "cut", "action": "Isolate"}
OUTAGE = {**CUT, "allowOutage": True}
PIN = {"name": "pin", "action": "PinKnownGood"}
BACK = {"name": "back", "action": "RerouteTraffic", "rerouteTraffic": {"to": "Workload"}}
SPEC = {"knownGood": b.pinned(), **b.SERVICE, **b.STANDBY}


def world(*steps: dict[str, Any], spec: dict[str, Any] = SPEC, **changes: Any) -> World:
    values = {"model": b.model(spec), "things": {SERVICE: b.service()}, "standby": b.standby(), **changes}
    return World(playbooks=(b.playbook(steps=[EVIDENCE, *(steps or (CUT,))]),), **values)


def hashed(name: str, running: str, of: str) -> Pod:
    return b.pod(name, running, labels={"app": b.MODEL, "pod-template-hash": of})


def selector(found: World) -> dict[str, str]:
    return dict(found.things[SERVICE].raw["spec"]["selector"])


def step(found: World, name: str = "cut") -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def order(found: World) -> list[str]:
    """What was written, in order."""
    seen: list[str] = []

    def note(_: World, effect: object) -> bool:
        if isinstance(effect, Apply):
            write = effect.mutation
            kind = write.kind if isinstance(write, Creation) else write.target.kind
            last = not isinstance(write, Creation) and "spec" in write.patch and kind == "Pod"
            seen.append("deadline" if last else kind)
        return False

    found.settle(note)
    return seen


def test_callers_are_led_away_then_nothing_goes_in_or_out_then_the_pods_are_kept() -> None:
    found = world()
    assert order(found) == ["Service", "NetworkPolicy", "Pod", "Pod", "deadline", "deadline"]
    assert selector(found) == {"app": "digits-standby"}
    assert [p.name for p in found.cut_off] == ["digits-bad-0", "digits-bad-1"]
    for pod in found.cut_off:
        assert dict(pod.labels) == {"knowngood.dev/isolated": "digits"}
        assert pod.replaced_labels == "app=digits"
        assert pod.deadline == 86_400 + 3_600 + 10, "a day from now; it began an hour before the start"
    assert found.things[POLICY].raw["spec"] == {
        "podSelector": {"matchLabels": {"knowngood.dev/isolated": "digits"}},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert found.things[POLICY].raw["metadata"]["ownerReferences"][0]["kind"] == "ModelDeployment"
    assert found.status.phase is IncidentPhase.CONTAINED
    said = found.condition("Contained").message
    assert "digits-bad-0, digits-bad-1 cut off and kept for 24h" in said
    assert "whether the cluster's network enforces NetworkPolicies was not shown" in said
    assert found.status.plan is not None
    assert [n for n in found.status.plan.notes if n.startswith(Reason.NOT_CUT_OFF.value)]


def test_the_suspects_are_kept_through_the_pin_and_callers_come_back() -> None:
    found = world(CUT, PIN, BACK)
    found.live(60)
    assert [p.name for p in found.cut_off] == ["digits-bad-0", "digits-bad-1"]
    assert found.facts.running == {b.GOOD}
    assert selector(found) == {"app": "digits"}
    assert found.status.phase is IncidentPhase.CONTAINED
    assert found.condition("ContainmentEffective").status is ConditionStatus.TRUE
    assert Reason.PERSON_WROTE not in [e.reason for e in found.status.timeline]


def test_proven_pods_beside_them_answer_where_there_is_no_standby() -> None:
    pods = (hashed("old-0", "good", "1a"), hashed("old-1", "good", "1a"), hashed("new-0", "bad", "2b"))
    found = world(pods=pods, standby=None, workload=dataclasses.replace(b.workload(), replicas=3))
    found.settle()
    assert selector(found) == {"app": "digits", "pod-template-hash": "1a"}
    assert [p.name for p in found.cut_off] == ["new-0"]


def test_nobody_is_left_without_an_answer_unless_the_step_says_so() -> None:
    found = world(standby=b.standby(ready=False))
    found.live(60)
    assert found.patches == []
    assert found.made == []
    assert step(found).reason == Reason.NOBODY_ELSE
    assert "no pod of Deployment digits-standby is ready" in step(found).message
    assert "write allowOutage: true on this step" in step(found).message


def test_with_leave_the_service_leads_to_nobody_until_the_pin_is_done() -> None:
    found = world(OUTAGE, PIN, BACK, standby=None)
    seen: list[dict[str, str]] = []

    def note(there: World, effect: object) -> bool:
        if isinstance(effect, Apply):
            seen.append(selector(there))
        return False

    found.settle(note)
    withheld = {"app": "digits", "knowngood.dev/withheld": "incident-uid"}
    assert seen[0] == {"app": "digits"}
    assert all(one == withheld for one in seen[1:])
    assert selector(found) == {"app": "digits"}
    assert found.image == b.image("good")
    assert len(found.cut_off) == 2


def test_no_more_are_kept_than_asked_for() -> None:
    found = world({**CUT, "isolate": {"keep": 1, "keepFor": "2h"}}, PIN)
    found.live(30)
    assert [(p.name, p.deadline) for p in found.cut_off] == [("digits-bad-0", 7_200 + 3_600 + 10)]
    assert found.facts.running == {b.GOOD}


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"spec": {**SPEC, "serviceRef": None}}, Reason.NOT_DECLARED, "names no Service"),
        ({"workload": b.workload(consent="x")}, Reason.CONSENT_MISSING, "label it knowngood.dev/model=digits"),
        (
            {
                "things": {
                    SERVICE: b.service(),
                    POLICY: b.thing("NetworkPolicy", POLICY.name, {"spec": {"podSelector": {}}}),
                }
            },
            Reason.INVALID,
            "lets something through; delete it",
        ),
        (
            {"pods": b.pods("good"), "workload": b.workload({b.CONTAINER: b.image("good")})},
            Reason.SUSPECT_GONE,
            "no pod runs the suspect any more",
        ),
    ],
)
def test_what_stands_in_its_way_is_said(changes: dict[str, Any], reason: Reason, says: str) -> None:
    found = world(**changes)
    found.live(30)
    assert found.patches == []
    assert step(found).reason == reason
    assert says in step(found).message


def test_of_a_stateful_set_nothing_is_kept_and_the_pin_goes_on() -> None:
    spec = {**SPEC, "workloadRef": {"kind": "StatefulSet"}}
    found = world(CUT, PIN, spec=spec, workload=dataclasses.replace(b.workload(), kind="StatefulSet"))
    found.live(30)
    assert (step(found).state, step(found).reason) == (StepState.SKIPPED, Reason.NOT_SUPPORTED)
    assert found.image == b.image("good")


def test_a_pod_that_ends_in_between_is_one_less_to_keep() -> None:
    found = world()

    def ends(there: World, effect: object) -> bool:
        if isinstance(effect, Apply) and there.made and there.pods[0].name == "digits-bad-0":
            there.pods = tuple(p for p in there.pods if p.name != "digits-bad-0")
        return False

    found.settle(ends)
    assert [p.name for p in found.cut_off] == ["digits-bad-1"]
    assert found.status.phase is IncidentPhase.CONTAINED


def test_a_later_incident_uses_the_policy_that_is_there() -> None:
    first = world()
    first.settle()
    again = world(things={SERVICE: b.service(), POLICY: first.things[POLICY]})
    again.settle()
    assert again.made == []
    assert len(again.cut_off) == 2


def test_the_policy_taken_away_is_said_loudly() -> None:
    found = world(verdict_on=lambda _: Verdict.BREACH)
    found.live(30)
    del found.things[POLICY]
    found.live(30)
    assert found.status.phase is IncidentPhase.CONTAINMENT_FAILED
    assert found.made[0].name == POLICY.name
    assert len(found.made) == 1, "it is not made again: somebody did that"


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("reason", [Reason.EMERGENCY_STOP, Reason.SUSPENDED])
def test_nothing_more_is_written_while_all_is_stopped(reason: Reason, after: int) -> None:
    found = world()

    def stop(there: World, effect: object) -> bool:
        due = isinstance(effect, Apply) and len(there.patches) + len(there.made) == after
        there.hold = Hold(reason, "stopped") if due else there.hold
        return due

    found.live(60, stop)
    assert len(found.patches) + len(found.made) == after
    if after < 4:
        assert found.condition("Contained").reason == reason
    found.hold = None
    found.live(30)
    assert len(found.cut_off) == 2
    assert found.status.phase is IncidentPhase.CONTAINED


def test_dry_run_plans_it_and_touches_nothing() -> None:
    found = world(policy=b.policy(responses=[b.response(mode="DryRun")]))
    found.live(60)
    assert (found.patches, found.made) == ([], [])
    assert "cut off at most 16 pods of Deployment digits" in step(found).summary


@pytest.mark.parametrize("at", range(1, 22))
def test_a_kill_at_any_effect_of_the_whole_way_doubles_nothing(at: int) -> None:
    for lost in (False, True):
        found = world(CUT, PIN, BACK)
        found.live(90, killed_at(at, lost))
        assert len(found.made) == 1
        assert len(found.patches) == 7, "Service, two pods, two deadlines, pin, Service"
        assert [p.name for p in found.cut_off] == ["digits-bad-0", "digits-bad-1"]
        assert selector(found) == {"app": "digits"}
