"""The shipped playbooks on real pods: who answers whom, what stays of the suspects, and what nobody rolls out again."""

from collections.abc import Callable
from pathlib import Path

from lab.model.releases import BAD
from tests.e2e.callers import Caller, last_of
from tests.e2e.cluster import Audit, Cluster, Raw, condition, eventually
from tests.e2e.conftest import USER
from tests.e2e.install import helm
from tests.e2e.rerouted import led, rerouted
from tests.e2e.shown import ShownPlace, chart_of, without_workload

Stage = Callable[..., ShownPlace]
KEPT = "knowngood.dev/isolated=digits"
AT_ONCE = 2.0  # seconds, beside all else that the tests run; P5 asks for one


def endpoints(place: ShownPlace) -> set[str]:
    words = ["endpointslices", "-n", place.namespace, "-l", "kubernetes.io/service-name=digits"]
    slices = place.cluster.get(*words)["items"]
    return {address for s in slices for e in s["endpoints"] or () for address in e["addresses"]}


def test_callers_are_led_to_the_standby_at_once_and_kept_connections_go_with_the_pin(
    stage: Stage, audit: Audit
) -> None:
    place = stage("e2e-standby", "standby-then-pin")
    place.begin()
    found = rerouted(place, audit, USER)
    assert 0 < found.moved <= AT_ONCE
    assert found.moved < found.back
    assert found.kept > found.moved, "an open connection stays where it is"
    assert found.kept > found.patched, "until the pin ends the suspect"
    assert found.unanswered == 0
    assert place.image() == place.good


def test_a_suspect_is_kept_cut_off_with_its_logs_until_its_time_is_up(
    stage: Stage, cluster: Cluster, audit: Audit
) -> None:
    place = stage("e2e-isolate", "isolate", type="PrivacyBreach", signal="leaks", keep_for="25s")
    place.begin()
    caller = Caller(cluster, place.namespace)
    caller.start()
    place.set_image(place.bad)
    found = eventually("callers are back", 120, lambda: place.done("back"))
    asked = caller.stop()
    away, _ = led(audit, place, USER)
    assert last_of(asked, BAD) < away + AT_ONCE, "no new connection after that"
    assert place.image() == place.good
    (pod,) = cluster.get("pods", "-n", place.namespace, "-l", KEPT)["items"]
    name, meta = pod["metadata"]["name"], pod["metadata"]
    assert meta["labels"] == {"knowngood.dev/isolated": "digits"}
    assert "ownerReferences" not in meta, "its ReplicaSet has let it go, and made another"
    assert BAD in place.kubectl("logs", name)
    assert pod["status"]["podIP"] not in endpoints(place)
    denied = cluster.get("networkpolicy", "knowngood-isolated-digits", "-n", place.namespace)["spec"]
    assert denied["podSelector"] == {"matchLabels": meta["labels"]}
    assert set(denied["policyTypes"]) == {"Ingress", "Egress"}
    assert not {"ingress", "egress"} & set(denied), "nothing is let through"
    notes = found["status"]["plan"]["notes"]  # in the lab who knows its address still gets in
    assert any(n.startswith("NotCutOff") for n in notes)
    ended = eventually("its time is up", 90, lambda: _ended(place, name))
    assert ended["status"]["reason"] == "DeadlineExceeded"
    assert BAD in place.kubectl("logs", name), "what it said outlives it"


def _ended(place: ShownPlace, pod: str) -> Raw | None:
    found = place.cluster.get("pod", pod, "-n", place.namespace)
    return found if found["status"]["phase"] == "Failed" else None


def test_what_is_in_quarantine_is_rolled_out_by_nobody_until_it_is_lifted(stage: Stage, cluster: Cluster) -> None:
    place = stage("e2e-refused", "quarantine-and-pin", type="SupplyChainCompromise")
    place.begin()
    place.set_image(place.bad)
    eventually("callers are back", 120, lambda: place.done("back"))
    digest = place.bad.partition("@")[2]
    words = ["-n", place.namespace, "set", "image", "deployment/digits", "--dry-run=server"]
    tag = place.bad.partition("@")[0] + ":1.1.0"
    for image, says in ((place.bad, "in quarantine"), (tag, "a tag may mean what is in quarantine")):
        done = cluster.run(*words, f"model={image}")
        assert done.returncode != 0
        assert f"{image}: {says}" in done.stderr
        assert "ModelDeployment digits" in done.stderr
    assert cluster.run(*words, f"model={place.better}").returncode == 0
    lift = f'{{"spec":{{"quarantine":{{"lift":["{digest}"]}}}}}}'
    place.kubectl("patch", "modeldeployment", "digits", "--type=merge", "-p", lift)
    eventually("lifted", 20, lambda: cluster.run(*words, f"model={place.bad}").returncode == 0)


def test_where_a_rollback_does_not_help_that_is_said_and_the_next_rung_begins(stage: Stage, releases: Raw) -> None:
    """Drifted input: the earlier release is asked the same new questions."""
    place = stage("e2e-drift", "pin-known-good", standby=False, escalate="15s", runs=releases[2])
    place.begin()
    place.drift()
    eventually("contained", 90, lambda: place.done("pin"))
    assert place.image() == place.good
    eventually("it does not help", 60, lambda: "ContainmentIneffective" in place.told())
    found = eventually("the next rung", 60, lambda: place.done("away"))
    entries = {e["reason"]: e["message"] for e in found["status"]["timeline"]}
    assert "still out of its limits on the known-good release" in entries["ContainmentIneffective"]
    assert "after 15s the signal is still out of its limits" in entries["Escalated"]
    assert "Escalated" in place.told()
    assert condition(found["status"], "Contained")["status"] == "True"
    assert place.cluster.get("deployment", "digits", "-n", place.namespace)["spec"]["replicas"] == 0


def test_the_next_helm_upgrade_takes_the_pins_place(
    stage: Stage, cluster: Cluster, env: dict[str, str], tmp_path: Path, audit: Audit
) -> None:
    place = stage("e2e-helm", "pin-known-good", standby=False)
    chart = chart_of(place, tmp_path / "chart")
    without_workload(place, cluster)
    upgrade = ["upgrade", "digits", chart, "--install", "--namespace", place.namespace, "--set"]
    helm(env, *upgrade, f"image={place.good}")
    place.await_health()
    helm(env, *upgrade, f"image={place.bad}")
    found = eventually("contained", 90, lambda: place.done("pin"))
    assert any("Helm release" in note for note in found["status"]["plan"]["notes"])
    assert place.image() == place.good
    words = ["deployment", "digits", "-n", place.namespace, "--show-managed-fields"]
    held = {(e["manager"], e["operation"]): e["fieldsV1"] for e in cluster.get(*words)["metadata"]["managedFields"]}
    assert ("helm", "Apply") in held, "else nobody could be refused"
    assert set(held["knowngood", "Update"]) == {"f:metadata"}
    helm(env, *upgrade, f"image={place.better}")
    assert place.image() == place.better
    eventually("judged where it runs", 30, lambda: place.in_phase("Verifying"))
    assert len(audit.pins(place.namespace, USER)) == 1
