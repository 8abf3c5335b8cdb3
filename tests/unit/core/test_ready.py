"""Ready says what leads nowhere and what cannot be read; it changes with what it is about."""

from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason, find_condition
from knowngood.core.incidents.policystatus import missing_source
from knowngood.core.incidents.ready import orphaned, with_ready, with_unread
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.unit
KEPT: dict[str, Any] = {
    "type": "SignalsAvailable",
    "status": "True",
    "reason": "Available",
    "lastTransitionTime": "2026-11-23T06:00:00Z",
}


def test_an_incident_without_its_model_names_the_field_and_what_to_do() -> None:
    found = find_condition(orphaned(b.incident(), b.at(1)).conditions, "Ready")
    assert found is not None
    assert (found.status, found.reason) == (ConditionStatus.FALSE, Reason.MODEL_NOT_FOUND)
    assert found.message.startswith("spec.modelRef.name: there is no ModelDeployment digits")


def test_it_is_written_once() -> None:
    once = orphaned(b.incident(), b.at(1))
    again = b.incident().model_copy(update={"status": once})
    assert orphaned(again, b.at(99)) == once


def test_an_incident_whose_policy_is_not_there_says_so_until_it_is() -> None:
    status = with_ready(b.incident().status, b.incident(), None, b.at(1))
    found = find_condition(status.conditions, "Ready")
    assert found is not None
    assert found.reason == Reason.POLICY_NOT_FOUND
    assert "spec.policyRef.name: there is no IncidentPolicy digits-quality" in found.message
    found = find_condition(with_ready(status, b.incident(), b.policy(), b.at(2)).conditions, "Ready")
    assert found is not None
    assert found.status is ConditionStatus.TRUE


def test_an_open_incident_follows_the_policy_that_it_names() -> None:
    world = World()
    world.settle()
    assert world.condition("Ready").status is ConditionStatus.TRUE
    world.policy = None
    world.live(5)
    assert world.condition("Ready").reason == Reason.POLICY_NOT_FOUND


def test_a_source_that_nobody_set_up_is_named_with_those_that_are() -> None:
    policy = b.policy(sourceRef={"name": "elsewhere"})
    (problem,) = missing_source(policy, ["default", "other"])
    assert (
        str(problem) == "spec.sourceRef.name: the administrator named no source elsewhere; write one of default, other"
    )
    assert missing_source(policy, ["elsewhere"]) == []


def test_what_cannot_be_read_says_so_and_keeps_its_other_conditions() -> None:
    problem = "spec.promotion.soak: '293y' is too long"
    made = with_unread([KEPT, "garbage", {"type": "Half"}], problem, 3, b.at(1))
    assert [c["type"] for c in made] == ["SignalsAvailable", "Ready"]
    assert made[1]["status"] == "False"
    assert made[1]["observedGeneration"] == 3
    assert problem in made[1]["message"]
    assert with_unread(made, problem, 3, b.at(99)) == made, "nothing is written when nothing changed"
    assert with_unread(made, "x" * 10_000, 3, b.at(99)) != made
