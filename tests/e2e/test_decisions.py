"""People decide by kubectl, as the roles of the chart allow; the administrator stops everything by one key."""

import json

import pytest

from tests.e2e.cluster import RELEASE, SYSTEM, Audit, Cluster, Place, condition, eventually
from tests.e2e.conftest import USER

STOP = "knowngood-emergency-stop"


@pytest.fixture
def people(place: Place) -> Place:
    """alice may decide, bob may look."""
    for name, role in (("alice", "responder"), ("bob", "viewer")):
        words = ["create", "rolebinding", f"{name}-{role}", f"--clusterrole={RELEASE}-{role}", f"--user={name}"]
        made = place.kubectl(*words, "--dry-run=client", "-o", "json")
        place.cluster.apply(json.loads(made))
    return place


def decide(place: Place, who: str, **spec: object) -> tuple[int, str]:
    found = place.incident()
    assert found
    words = ["-n", place.namespace, "--as", who, "patch", "aiincident", found["metadata"]["name"], "--type=merge"]
    done = place.cluster.run(*words, "-p", json.dumps({"spec": spec}))
    return done.returncode, done.stderr


def test_a_plan_waits_for_who_may_approve_it(people: Place, audit: Audit) -> None:
    place = people
    place.cluster.apply(place.policy("Approval"))
    place.set_image(place.bad)
    found = eventually("awaiting approval", 60, lambda: place.in_phase("AwaitingApproval"))
    assert condition(found["status"], "ApprovalsGuarded")["status"] == "True"
    plan = found["status"]["plan"]["hash"]
    approve = {"decision": "Approve", "planHash": plan}
    code, said = decide(place, "bob", approval={**approve, "by": "bob"})
    assert code != 0
    code, said = decide(place, "alice", approval={**approve, "by": "bob"})
    assert code != 0
    assert "spec.approval.by: bob: write who you are: alice" in said
    code, said = decide(place, "alice", approval={**approve, "by": "alice", "planHash": "sha256:" + "0" * 64})
    assert code != 0
    assert f"write {plan}" in said
    assert audit.pins(place.namespace, USER) == []
    assert decide(place, "alice", approval={**approve, "by": "alice"}) == (0, "")
    found = eventually("contained", 60, lambda: place.in_phase("Contained"))
    assert found["status"]["approval"]["by"] == "alice"
    assert len(audit.pins(place.namespace, USER)) == 1
    assert decide(place, "alice", disposition={"verdict": "FalsePositive", "by": "alice"}) == (0, "")
    eventually("dismissed", 30, lambda: place.in_phase("Dismissed"))


def test_the_emergency_stop_is_seen_within_a_second(place: Place, cluster: Cluster, audit: Audit) -> None:
    words = ["-n", SYSTEM, "create", "configmap", STOP, "--from-literal=stop=true"]
    cluster(*words)
    try:
        place.set_image(place.bad)
        eventually("stopped", 60, lambda: _reason(place) == "EmergencyStop")
        assert place.image() == place.bad
        assert audit.pins(place.namespace, USER) == []
    finally:
        cluster("-n", SYSTEM, "delete", "configmap", STOP)
    eventually("contained when it is lifted", 60, lambda: place.in_phase("Contained"))
    assert len(audit.pins(place.namespace, USER)) == 1


def _reason(place: Place) -> str:
    found = place.incident()
    return str(condition(found.get("status", {}), "Contained").get("reason", "")) if found else ""


def test_the_operators_own_account_cannot_approve(people: Place) -> None:
    place = people
    place.cluster.apply(place.policy("Approval"))
    place.set_image(place.bad)
    found = eventually("awaiting approval", 60, lambda: place.in_phase("AwaitingApproval"))
    approval = {"decision": "Approve", "by": USER, "planHash": found["status"]["plan"]["hash"]}
    code, said = decide(place, USER, approval=approval)
    assert code != 0
    assert "ValidatingAdmissionPolicy" in said
    assert place.image() == place.bad
