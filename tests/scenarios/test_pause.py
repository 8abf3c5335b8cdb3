"""PauseRollout: holds what moves, contains nothing, and gives way to the pin that follows."""

import dataclasses
from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
EVIDENCE = {"name": "evidence", "action": "FreezeEvidence"}
HOLD = {"name": "hold", "action": "PauseRollout"}
PIN = {"name": "pin", "action": "PinKnownGood"}
TELL = {"name": "tell", "action": "Notify"}


def world(*steps: dict[str, Any], **changes: Any) -> World:
    return World(playbooks=(b.playbook(steps=[EVIDENCE, *steps]),), **changes)


def step(found: World, name: str) -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def test_roll_outs_are_held_and_nothing_is_contained() -> None:
    found = world(HOLD, TELL)
    found.live(60)
    assert found.workload is not None
    assert found.workload.paused
    assert step(found, "hold").state is StepState.DONE
    assert found.status.phase is IncidentPhase.OPEN
    assert found.condition("Contained").status is ConditionStatus.FALSE
    assert found.condition("Contained").reason == Reason.NOTHING_TO_CONTAIN
    assert found.status.contained_at is None
    assert "IncidentNotContained" in [t.reason for t in found.told]


def test_a_pin_of_the_same_incident_lifts_it() -> None:
    found = world(HOLD, PIN)
    found.live(60)
    assert found.workload is not None
    assert not found.workload.paused
    assert found.image == b.image("good")
    assert "knowngood.dev/paused-by" not in found.workload.annotations
    assert found.status.phase is IncidentPhase.CONTAINED
    assert Reason.PERSON_WROTE not in [e.reason for e in found.status.timeline]


def test_a_pin_does_not_lift_what_a_person_holds() -> None:
    found = world(HOLD, PIN, workload=dataclasses.replace(b.workload(), paused=True))
    found.live(60)
    assert found.patches == []
    assert (step(found, "hold").state, step(found, "hold").reason) == (StepState.SKIPPED, Reason.ALREADY_SO)
    assert found.condition("Contained").reason == Reason.PAUSED


def test_a_stateful_set_is_passed_over() -> None:
    spec = {"workloadRef": {"kind": "StatefulSet"}, "knownGood": b.pinned()}
    found = world(HOLD, PIN, model=b.model(spec), workload=dataclasses.replace(b.workload(), kind="StatefulSet"))
    found.live(60)
    assert (step(found, "hold").state, step(found, "hold").reason) == (StepState.SKIPPED, Reason.NOT_SUPPORTED)
    assert found.image == b.image("good")


def test_a_person_who_lets_go_is_recorded_and_no_containment_has_failed() -> None:
    found = world(HOLD, verdict_on=lambda _: Verdict.BREACH)
    found.live(30)
    assert found.workload is not None
    found.write(dataclasses.replace(found.workload, paused=False))
    found.live(30)
    assert step(found, "hold").reason == Reason.PERSON_WROTE
    assert found.status.phase is IncidentPhase.OPEN
    assert len(found.patches) == 1
