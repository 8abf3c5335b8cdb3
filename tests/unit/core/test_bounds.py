"""Whatever the world holds, the incident fits: within its schema, small, and the same when it is fitted again."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.core.facts.workload import Container
from knowngood.core.incidents.bounds import MOST_BYTES, fitted, size
from knowngood.core.incidents.evidence import CUT, workload
from knowngood.core.response.actions.pin_known_good import PinKnownGood
from knowngood.core.response.environment import known_good
from knowngood.core.response.knowngood import candidates
from tests import builders as b
from tests.conformance.crds.inflated import INFLATIONS, inflated
from tests.conformance.crds.statuses import INCIDENT

pytestmark = pytest.mark.unit


def check(status: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(status)
    made = fitted(status)
    # as booleans: the difference of such objects takes minutes to show
    assert bool(status == before), "its argument is left alone"
    # nine conditions full of control characters, six bytes each as JSON, are more than half of it
    assert size(made) <= MOST_BYTES * (2 if "\x01" in status["timeline"][0]["message"] else 1)
    same = fitted(made) == made
    assert same
    AIIncidentStatus.from_object(made)
    return made


def test_what_fits_is_left_as_it_is() -> None:
    assert check(INCIDENT) == INCIDENT


@given(st.fixed_dictionaries(INFLATIONS))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_long_texts_long_lists_and_wide_labels_fit(how: dict[str, Any]) -> None:
    made = check(inflated(**how))
    assert made["phase"] == INCIDENT["phase"]
    assert made["plan"]["hash"] == INCIDENT["plan"]["hash"]
    assert [c["type"] for c in made["conditions"]] == [c["type"] for c in INCIDENT["conditions"]]


def test_a_workload_of_many_init_containers_and_variables_fits() -> None:
    env = tuple((f"V{i}", "x" * 250) for i in range(120))
    found = b.workload(init_containers=tuple(Container(f"c{i}", b.image("bad"), env) for i in range(60)))
    made = check({**INCIDENT, "evidence": {**INCIDENT["evidence"], "workload": workload(found).to_object()}})
    assert made["evidence"]["workload"]["initContainers"][0]["env"][-1]["name"] == CUT


def test_what_was_left_out_is_said() -> None:
    made = check(inflated("x", (4_096, 10)))
    assert "what was too large" in [m["item"] for m in made["evidence"]["missing"]]


def test_what_is_compared_at_each_look_is_not_cut_below_the_schema() -> None:
    status = inflated("x", (4_096, 10))
    status["plan"]["steps"][0].pop("finishedAt")
    made = check(status)
    assert len(made["conditions"][0]["message"]) == 4_096
    assert len(made["plan"]["steps"][0]["message"]) == 4_096


def test_a_variable_that_the_record_has_no_room_for_is_no_foreign_change_and_is_never_deleted() -> None:
    env = [(f"V{i}", "x") for i in range(200)]
    found = b.workload(env={b.CONTAINER: env})
    recorded = workload(found)
    assert [e.name for e in recorded.containers[0].env][-1] == CUT
    pin = b.model({"knownGood": b.pinned("good", env=[{"name": "V199", "value": "y"}])})
    (pinned,) = candidates(pin, b.CONTAINER)
    evidence = b.evidence().model_copy(update={"workload": recorded})
    status = {
        "evidence": evidence.to_object(),
        "plan": {"knownGood": known_good(pinned).to_object(), "steps": []},
    }
    facts = b.facts(model=pin, workload=found, incident=b.incident(status))
    plan = b.incident({"plan": {"steps": [{"name": "pin", "action": "PinKnownGood"}]}}).status.plan
    assert plan is not None
    seen = {"observed": PinKnownGood().observe(facts, plan.steps[0])}
    action, one = PinKnownGood(), plan.steps[0].model_copy(update=seen)
    assert action.state(facts, one).name == "AS_SEEN"
    assert action.undo(facts, one) is None
