"""The closed loop on real parts, and the cases in which it must not act."""

import json

import pytest

from tests.e2e.cluster import Audit, Cluster, Place, condition, eventually
from tests.e2e.conftest import USER
from tests.faults.proxy import Faults, Proxy


def test_a_bad_release_is_put_back_with_its_evidence(place: Place, audit: Audit, cluster: Cluster) -> None:
    place.set_image(place.bad)
    found = eventually("contained", 90, lambda: place.in_phase("Contained"))
    status = found["status"]
    assert (status["type"], status["severity"], status["primarySignal"]) == ("ModelFailure", "High", "accuracy")
    assert place.image() == place.good
    (patch,) = audit.pins(place.namespace, USER)
    evidence = status["evidence"]
    assert evidence["frozenAt"] < patch["requestReceivedTimestamp"], "evidence first"
    assert evidence["workload"]["containers"][0]["image"] == place.bad
    assert any(place.bad.endswith(c["imageID"].split("@")[1]) for p in evidence["pods"] for c in p["containers"])
    assert evidence["rollouts"]
    assert any(len(s["points"]) >= 2 for s in evidence["series"])
    (seen,) = status["signals"]
    assert float(seen["value"]) < 0.9
    assert seen["samples"] >= 20
    assert "model_feedback_total" in seen["query"]
    assert status["suspect"]["digest"] == place.bad.split("@")[1]
    place.kubectl("wait", "aiincident", "--all", "--for=condition=ContainmentEffective", "--timeout=60s")
    assert "Contained" in place.kubectl("get", "events.events.k8s.io", "-o", "name") + place.kubectl("get", "events")
    header = cluster("get", "aiincidents", "-n", place.namespace).splitlines()[0].split()
    assert header == ["NAME", "MODEL", "TYPE", "SEVERITY", "PHASE", "SIGNAL", "CONTAINED", "AGE"]
    header = cluster("get", "modeldeployments", "-n", place.namespace).splitlines()[0].split()
    assert header == ["NAME", "RUNNING", "KNOWN-GOOD", "PHASE", "SIGNALS", "INCIDENT", "AGE"]


def test_a_persons_image_during_containment_stays(place: Place, gate: Proxy, audit: Audit) -> None:
    """The operator's patch is held on its way until the person has written; it comes too late, and is not repeated."""
    gate.arm("PATCH deployments [image]", Faults.STOP_BEFORE.value, namespace=place.namespace)
    place.set_image(place.bad)
    eventually("the patch is on its way", 60, gate.fired.is_set)
    place.set_image(place.better)
    gate.release()
    found = eventually("the person is named", 60, lambda: _wrote(place))
    assert place.image() == place.better
    assert condition(found["status"], "Contained")["reason"] == "PersonWrote"
    assert gate.struck
    assert gate.struck.namespace == place.namespace
    assert gate.struck.accepted == 409
    assert audit.pins(place.namespace, USER) == []


def _wrote(place: Place) -> dict[str, object] | None:
    found = place.incident()
    return found if found and condition(found.get("status", {}), "Contained").get("reason") == "PersonWrote" else None


def test_a_fix_that_a_person_rolls_out_after_containment_resolves_it(place: Place, audit: Audit) -> None:
    place.set_image(place.bad)
    eventually("contained", 90, lambda: place.in_phase("Contained"))
    place.set_image(place.better)
    eventually("judged where it runs", 30, lambda: place.in_phase("Verifying"))
    eventually("resolved", 120, lambda: place.in_phase("Resolved"))
    assert place.image() == place.better
    assert len(audit.pins(place.namespace, USER)) == 1


@pytest.mark.parametrize("case", ["DryRun", "Approval", "registry", "running", "nothing", "consent"])
def test_where_it_must_not_act_it_says_why(case: str, place: Place, audit: Audit) -> None:
    reasons = {
        "DryRun": "DryRun",
        "Approval": "AwaitingApproval",
        "registry": "RegistryNotAllowed",
        "running": "AlreadyRunning",
        "nothing": "NothingProven",
        "consent": "ConsentMissing",
    }
    if case in {"DryRun", "Approval"}:
        place.cluster.apply(place.policy(case))
    elif case != "consent":
        elsewhere = "registry.example.org/digits@" + place.good.split("@")[1]
        pins = {"registry": elsewhere, "running": place.bad, "nothing": None}
        place.pin(pins[case])
    else:
        place.kubectl("label", "deployment", "digits", "knowngood.dev/model=other", "--overwrite")
        said = eventually("not ready", 30, lambda: (c := place.condition("Ready")).get("status") == "False" and c)
        assert said["reason"] == reasons[case]
        assert "knowngood.dev/model=digits" in said["message"]
    place.set_image(place.bad)
    eventually("said", 60, lambda: _reason(place) == reasons[case])
    assert audit.pins(place.namespace, USER) == []
    assert place.image() == place.bad
    found = place.incident()
    assert found
    assert condition(found["status"], "Contained")["message"]
    assert found["status"]["plan"]["steps"][0]["state"] == "Done", "evidence is kept all the same"


def _reason(place: Place) -> str:
    found = place.incident()
    return str(condition(found.get("status", {}), "Contained").get("reason", "")) if found else ""


def test_a_tag_as_known_good_is_refused_at_admission(place: Place, cluster: Cluster) -> None:
    tagged = place.good.split("@")[0] + ":latest"
    done = cluster.run("apply", "-f", "-", stdin=json.dumps(place.model(tagged)))
    assert done.returncode != 0
    assert tagged in done.stderr
    assert "@sha256:" in done.stderr
    assert "knownGood" in done.stderr
