"""Writes that the API server does not take, perhaps for hours: it is said, and given up in time."""

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.plan import StepState
from knowngood.core.response.effects import Apply, Effect
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
WEBHOOK = 'Internal error occurred: failed calling webhook "check.example.org": connection refused'


def world(**changes: object) -> World:
    book = b.playbook(escalate={"after": "5m", "steps": [b.AWAY]})
    return World(playbooks=(book,), refuses=WEBHOOK, **changes)  # type: ignore[arg-type]


def reasons(found: World) -> list[str]:
    return [e.reason for e in found.status.timeline]


def state(found: World, name: str) -> StepState:
    assert found.status.plan is not None
    return next(s.state for s in found.status.plan.steps if s.name == name)


def test_it_is_said_once_what_the_server_says() -> None:
    found = world()
    found.live(120)
    records = found.records
    found.live(120)
    assert found.records == records, "a retry costs no write"
    assert found.status.phase is IncidentPhase.CONTAINING
    said = found.condition("Contained")
    assert (said.status, said.reason) == (ConditionStatus.FALSE, Reason.NOT_WRITTEN)
    assert WEBHOOK in said.message
    assert found.status.plan is not None
    assert WEBHOOK in next(s.message for s in found.status.plan.steps if s.name == "pin")
    assert reasons(found).count("NotWritten") == 1


def test_another_message_is_said_too_and_a_long_one_is_cut() -> None:
    found = world()
    found.live(60)
    found.refuses = "y" * 100_000
    found.live(60)
    assert WEBHOOK not in found.condition("Contained").message
    assert len(found.condition("Contained").message) < 1500
    assert reasons(found).count("NotWritten") == 1


def test_when_it_goes_through_nothing_of_it_stays() -> None:
    found = world()
    found.live(60)
    found.refuses = ""
    found.live(60)
    assert found.status.phase is IncidentPhase.CONTAINED
    assert len(found.patches) == 1
    assert "webhook" not in found.condition("Contained").message
    assert found.status.plan is not None
    assert all("webhook" not in s.message for s in found.status.plan.steps)


def test_in_time_it_has_failed_and_the_next_rung_begins() -> None:
    found = world()
    found.live(320)
    assert state(found, "pin") is StepState.FAILED
    assert "ContainmentFailed" in reasons(found)
    assert "Escalated" in reasons(found)
    tried = len(found.tries)
    found.live(320)
    assert state(found, "away") is StepState.FAILED, "the next rung is given its own time"
    assert len(found.tries) > tried
    assert found.status.phase is IncidentPhase.CONTAINMENT_FAILED
    tried = len(found.tries)
    found.refuses = ""
    found.live(600)
    assert len(found.tries) == tried
    assert found.patches == [], "nothing is written late"
    assert "PersonWrote" not in reasons(found)


def test_it_goes_on_where_the_step_says_so() -> None:
    found = World(playbooks=(b.playbook(onFailure="Continue"),), refuses=WEBHOOK)
    found.live(400)
    assert state(found, "pin") is StepState.FAILED
    assert state(found, "tell") is StepState.DONE


def test_a_write_whose_answer_was_lost_is_settled_even_late() -> None:
    found = world()
    lost: list[Effect] = []

    def lose(there: World, effect: Effect) -> bool:
        if isinstance(effect, Apply) and not lost and len(there.tries) > 10:
            lost.append(effect)
            there.do(effect)
            return True
        return False

    found.live(400, lose)
    assert len(found.patches) == 1
    assert found.status.phase is IncidentPhase.CONTAINED
    assert state(found, "pin") is StepState.DONE


def test_a_new_process_tries_again_before_it_gives_up() -> None:
    found = world()
    found.live(120)
    found.later(3600)
    found.tries, found.refuses = [], ""
    found.restart()
    found.live(60)
    assert found.status.phase is IncidentPhase.CONTAINED
    assert len(found.patches) == 1


@pytest.mark.parametrize("refused", ["", WEBHOOK])
def test_what_is_handed_back_is_tried_until_it_is_taken(refused: str) -> None:
    """A pause of roll-outs must not stay for good because the API server was busy for a while."""
    hold = {"name": "hold", "action": "PauseRollout"}
    found = World(playbooks=(b.playbook(steps=[hold]),), unguarded="")
    found.live(30)
    assert found.workload is not None
    assert found.workload.paused
    found.refuses = refused
    close = {"closeRequest": {"by": "alice"}}
    raw = found.incident.to_object()
    found.incident = type(found.incident).from_object({**raw, "spec": {**raw["spec"], **close}})
    found.live(600)
    if refused:
        assert state(found, "hold") is StepState.UNDOING
        assert reasons(found).count("NotWritten") == 1
        found.refuses = ""
        found.live(30)
    assert state(found, "hold") is StepState.UNDONE
    assert not found.workload.paused
    assert found.status.phase is IncidentPhase.CLOSED
