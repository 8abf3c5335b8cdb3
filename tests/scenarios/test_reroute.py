"""RerouteTraffic: only to a standby that would answer well, back only to a workload that does."""

from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.labels import read_selector
from knowngood.core.facts.things import Ref, Thing, read_thing
from knowngood.core.response.facts import Standby
from tests import builders as b
from tests.scenarios.world import World, killed_at

pytestmark = pytest.mark.scenarios
REF = Ref("Service", b.MODEL)
EVIDENCE = {"name": "evidence", "action": "FreezeEvidence"}
AWAY = {"name": "away", "action": "RerouteTraffic"}
PIN = {"name": "pin", "action": "PinKnownGood"}
BACK = {"name": "back", "action": "RerouteTraffic", "rerouteTraffic": {"to": "Workload"}}
SPEC = {"knownGood": b.pinned(), **b.SERVICE, **b.STANDBY}


def world(*steps: dict[str, Any], service: Thing | None = None, spec: dict[str, Any] = SPEC, **changes: Any) -> World:
    values = {"model": b.model(spec), "things": {REF: service or b.service()}, "standby": b.standby(), **changes}
    return World(playbooks=(b.playbook(steps=[EVIDENCE, *(steps or (AWAY,))]),), **values)


def selector(found: World) -> dict[str, str]:
    return dict(found.things[REF].raw["spec"]["selector"])


def step(found: World, name: str) -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def test_callers_are_led_to_the_standby() -> None:
    found = world()
    found.settle()
    assert selector(found) == {"app": "digits-standby"}
    assert found.things[REF].annotations == {
        "knowngood.dev/routed-by": found.incident.metadata.name,
        "knowngood.dev/routed-to": "Deployment/digits-standby",
        "knowngood.dev/replaced-selector": "app=digits",
    }
    assert found.status.phase is IncidentPhase.CONTAINED
    assert "go to the 2 ready pods of Deployment digits-standby; open ones stay" in found.condition("Contained").message
    assert found.workload == b.workload(), "the workload is not touched"


def test_keys_that_the_standby_does_not_ask_for_go() -> None:
    found = world(service=b.service({"app": b.MODEL, "tier": "front"}), pods=())
    found.settle()
    assert selector(found) == {"app": "digits-standby"}
    assert found.things[REF].annotations["knowngood.dev/replaced-selector"] == "app=digits,tier=front"


def by_expressions() -> Standby:
    selector = read_selector({"matchLabels": {"app": "s"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]})
    return b.standby(selector=selector)


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"spec": {**SPEC, "serviceRef": None}}, Reason.NOT_DECLARED, "names no Service; write where callers reach it"),
        ({"standby": None}, Reason.NOT_DECLARED, "names no standby; write a warm copy's workload into spec.standby"),
        ({"things": {}}, Reason.OBJECT_NOT_FOUND, "there is no Service digits in this namespace"),
        ({"service": b.service(consent="other")}, Reason.CONSENT_MISSING, "label it knowngood.dev/model=digits"),
        ({"standby": Standby(None)}, Reason.CONSENT_MISSING, "there is no Deployment digits-standby labelled"),
        ({"standby": b.standby(consent="other")}, Reason.CONSENT_MISSING, "the label is its owner's consent"),
        ({"standby": b.standby(ready=False)}, Reason.STANDBY_NOT_READY, "no pod of Deployment digits-standby is ready"),
        (
            {"standby": b.standby("fix")},
            Reason.STANDBY_NOT_PROVEN,
            "which spec.knownGood does not name and which is not",
        ),
        ({"standby": b.standby("bad")}, Reason.STANDBY_NOT_PROVEN, "which an open incident suspects"),
        ({"standby": by_expressions()}, Reason.INVALID, "selects by matchExpressions"),
        ({"service": b.service({"app": "other"})}, Reason.INVALID, "no pod of Deployment digits; write the Service"),
        (
            {"service": read_thing({**b.service().raw, "spec": {"type": "ExternalName"}})},
            Reason.INVALID,
            "has no selector",
        ),
    ],
)
def test_what_stands_in_its_way_is_said(changes: dict[str, Any], reason: Reason, says: str) -> None:
    found = world(**changes)
    found.live(60)
    assert found.patches == []
    assert found.condition("Contained").reason == reason
    assert says in found.condition("Contained").message


def test_a_release_that_stayed_healthy_is_proven_enough() -> None:
    proven = [b.release("bad"), b.release("older", proven=0)]
    found = world(model=b.model({**b.SERVICE, **b.STANDBY}, releases=proven), standby=b.standby("older"))
    found.settle()
    assert selector(found) == {"app": "digits-standby"}


def test_away_then_pinned_then_back() -> None:
    found = world(AWAY, PIN, BACK, {"name": "tell", "action": "Notify"})
    found.settle()
    assert [(p.target.kind, p.target.name) for p in found.patches] == [
        ("Service", "digits"),
        ("Deployment", "digits"),
        ("Service", "digits"),
    ]
    assert selector(found) == {"app": "digits"}
    said = "every pod runs the known-good release; Service digits leads to Deployment digits again"
    assert found.condition("Contained").message == said, "that callers are back is not what contains it"
    assert not [a for a in found.things[REF].annotations if a.startswith("knowngood.dev/")]
    assert found.image == b.image("good")
    assert found.status.phase is IncidentPhase.CONTAINED
    found.live(120)
    assert found.condition("ContainmentEffective").status is ConditionStatus.TRUE
    assert found.status.phase is IncidentPhase.CONTAINED
    told = [e.reason for e in found.status.timeline]
    assert Reason.PERSON_WROTE not in told, "the first step is not mourned: the last took its place"


def test_a_standby_that_is_not_ready_does_not_hold_up_the_pin() -> None:
    found = world({**AWAY, "onFailure": "Continue"}, PIN, BACK, standby=b.standby(ready=False))
    found.settle()
    assert step(found, "away").reason == Reason.STANDBY_NOT_READY
    assert found.image == b.image("good")
    assert (step(found, "back").state, step(found, "back").reason) == (StepState.SKIPPED, Reason.ALREADY_SO)
    assert found.condition("Contained").status is ConditionStatus.TRUE


@pytest.mark.parametrize("spec", [{**SPEC, "serviceRef": None}, SPEC], ids=["no-service", "no-consent"])
def test_where_nobody_was_led_away_nobody_is_led_back(spec: dict[str, Any]) -> None:
    spec = {key: value for key, value in spec.items() if value is not None}
    away = {**AWAY, "onFailure": "Continue"}
    found = world(away, PIN, BACK, {"name": "tell", "action": "Notify"}, spec=spec, service=b.service(consent=None))
    found.settle()
    assert (step(found, "back").state, step(found, "back").reason) == (StepState.SKIPPED, Reason.ALREADY_SO)
    assert found.told[0].reason == "IncidentContained"
    assert found.image == b.image("good")


def test_nobody_is_led_back_to_the_suspect() -> None:
    found = world(AWAY, BACK)
    found.live(120)
    assert selector(found) == {"app": "digits-standby"}
    assert step(found, "back").reason == Reason.SUSPECT_RUNS
    assert found.condition("Contained").status is ConditionStatus.TRUE, (
        "that the way back waits is no loss of containment"
    )
    found.person_sets("fix")
    found.settle()
    assert selector(found) == {"app": "digits"}


def test_nobody_is_led_back_to_pods_that_are_not_ready() -> None:
    found = world(AWAY, BACK)
    found.settle()
    found.pods = tuple(b.pod(f"fix-{i}", "fix", ready=False) for i in range(2))
    found.live(30)
    assert selector(found) == {"app": "digits-standby"}


def test_another_writer_who_leads_it_back_is_said_loudly() -> None:
    found = world(verdict_on=lambda _: Verdict.BREACH)
    found.live(30)
    found.write_thing(REF, {"spec": {"selector": {"app": "digits"}}})
    found.live(30)
    assert found.status.phase is IncidentPhase.CONTAINMENT_FAILED
    assert "another writer set the selector of Service digits to app=digits" in found.condition("Contained").message
    assert len(found.patches) == 1


@pytest.mark.parametrize("at", range(1, 16))
def test_a_kill_at_any_effect_of_the_whole_way_doubles_nothing(at: int) -> None:
    for lost in (False, True):
        found = world(AWAY, PIN, BACK)
        found.live(90, killed_at(at, lost))
        assert len(found.patches) == 3
        assert selector(found) == {"app": "digits"}
        assert found.image == b.image("good")
