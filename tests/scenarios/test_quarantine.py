"""QuarantineDigest: the suspect is refused from then on, here too, until a person lifts it."""

from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.incidents.modelstatus import ModelFacts, status_of
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
EVIDENCE = {"name": "evidence", "action": "FreezeEvidence"}
REFUSE = {"name": "refuse", "action": "QuarantineDigest"}
PIN = {"name": "pin", "action": "PinKnownGood"}


def world(*steps: dict[str, Any], **changes: Any) -> World:
    return World(playbooks=(b.playbook(steps=[EVIDENCE, *(steps or (REFUSE,))]),), **changes)


def step(found: World, name: str = "refuse") -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def test_the_suspect_is_in_quarantine_and_nothing_is_contained_by_that() -> None:
    found = world()
    found.live(60)
    assert [(q.digest, q.incident) for q in found.model.status.quarantined] == [(b.BAD, found.incident.metadata.name)]
    assert "refused until a person lifts that in spec.quarantine.lift" in step(found).message
    assert found.condition("Contained").reason == Reason.NOTHING_TO_CONTAIN
    assert found.workload == b.workload()


def test_then_a_pin_goes_on() -> None:
    found = world(REFUSE, PIN)
    found.live(60)
    assert found.image == b.image("good")
    assert found.status.phase is IncidentPhase.CONTAINED
    assert found.condition("Contained").status is ConditionStatus.TRUE


def test_what_is_in_quarantine_is_gone_back_to_no_more() -> None:
    releases = [b.release("bad"), b.release("good", proven=9), b.release("older", proven=0)]
    found = world(PIN, model=b.model(releases=releases))
    found.write_model({"status": {"quarantined": [entry(b.GOOD)]}})
    found.live(60)
    assert found.image == b.image("older")


def test_of_one_candidate_alone_it_is_said() -> None:
    found = world(PIN)
    found.write_model({"status": {"quarantined": [entry(b.GOOD)]}})
    found.live(30)
    assert found.patches == []
    assert found.condition("Contained").reason == Reason.QUARANTINED
    assert "lift it in spec.quarantine.lift" in found.condition("Contained").message


def entry(digest: str) -> dict[str, Any]:
    return {"digest": digest, "incident": "digits-0", "since": "2026-11-23T05:00:00Z"}


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"model": b.model({"knownGood": b.pinned("bad")})}, Reason.IMPLICATED, "spec.knownGood pins the suspect"),
        ({"workload": b.workload(consent=None)}, Reason.CONSENT_MISSING, "label it"),
    ],
)
def test_what_stands_in_its_way_is_said(changes: dict[str, Any], reason: Reason, says: str) -> None:
    found = world(**changes)
    found.live(30)
    assert found.patches == []
    assert step(found).reason == reason
    assert says in step(found).message


def test_a_full_quarantine_says_so() -> None:
    found = world()
    found.write_model({"status": {"quarantined": [entry(b.digest(f"q{i}")) for i in range(16)]}})
    found.live(30)
    assert step(found).reason == Reason.TOO_LARGE


def test_what_a_person_lifted_is_not_put_back() -> None:
    found = world(verdict_on=lambda _: Verdict.BREACH)
    found.live(30)
    found.write_model({"spec": {"quarantine": {"lift": [b.BAD]}}})
    found.live(30)
    assert len(found.patches) == 1
    assert step(found).state is StepState.FAILED
    assert step(found).reason == Reason.PERSON_WROTE
    again = world()
    again.write_model({"spec": {"quarantine": {"lift": [b.BAD]}}})
    again.live(30)
    assert again.patches == []
    assert (step(again).state, step(again).reason) == (StepState.SKIPPED, Reason.ALREADY_SO)


def model_facts(found: World, healthy: float = 0.0) -> ModelFacts:
    return ModelFacts(
        model=found.model,
        workload=found.workload,
        pods=found.pods,
        container=b.CONTAINER,
        policies=1,
        expected=(),
        views={},
        ties={},
        healthy_for={b.BAD: healthy},
        soak=60,
        incident=None,
        suspicions=(),
        episode=1,
        now=b.at(100),
    )


def test_the_status_keeps_it_until_it_is_lifted_and_proves_it_no_more() -> None:
    found = world(model=b.model(releases=[b.release("bad", proven=0)]))
    found.settle()
    made = status_of(model_facts(found, healthy=1_000))
    assert made.quarantined == found.model.status.quarantined
    assert [r.proven_at for r in made.releases] == [None]
    assert made.known_good is None
    found.write_model(
        {"spec": {"quarantine": {"lift": [b.BAD]}}, "status": {"releases": [r.to_object() for r in made.releases]}}
    )
    after = status_of(model_facts(found, healthy=1_000))
    assert after.quarantined == []
    assert after.releases[0].proven_at is not None
