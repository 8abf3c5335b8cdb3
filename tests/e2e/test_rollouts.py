"""A model that a Rollout serves, under Argo Rollouts' own controller: its canary, its steps, and who writes first."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.argo import RolloutPlace, built, controller, defined
from tests.e2e.cluster import Cluster, Operator, Raw, condition, eventually
from tests.e2e.conftest import as_service_account
from tests.e2e.faults import free_port
from tests.e2e.gate import behind_a_proxy
from tests.e2e.install import Images, install, uninstall
from tests.faults.proxy import Faults, Proxy

SYSTEM, NAMESPACE = "knowngood-argo", "e2e-rollouts"
UNUSED = "registry.local/knowngood@sha256:" + "0" * 64  # the chart runs no replica here
DECLARED = ("/metadata/annotations/knowngood.dev~1", "/spec/template/spec/containers/0/")
HELD = ["/metadata/uid", "/metadata/resourceVersion"]


@pytest.fixture(scope="module", name="argo")
def _argo(
    env: dict[str, str], cluster: Cluster, chart: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Argo's definitions and controller, and a second chart, which watches Rollouts; ours come with the first."""
    there, directory = built(), tmp_path_factory.mktemp("argo")
    values = {"replicas": 0, "crds": {"enabled": False}, "watch": {"namespaces": [NAMESPACE], "rollouts": True}}
    with defined(cluster, there):
        install(env, cluster, SYSTEM, UNUSED, [NAMESPACE], directory / "values.json", **values)
        with controller(there, env["KUBECONFIG"], NAMESPACE, directory / "controller.log"):
            yield directory
        uninstall(env, cluster, SYSTEM, [NAMESPACE])


@pytest.fixture(scope="module", name="gate")
def _gate(argo: Path, env: dict[str, str], cluster: Cluster) -> Iterator[Proxy]:
    """An operator of its own, and what stands before it."""
    port = free_port()
    settings = {
        "sources": {"default": {"url": env["PROMETHEUS_URL"], "timeout": "2s"}},
        "registries": {"allowed": [env["REGISTRY"]]},
        "watch": {"namespaces": [NAMESPACE], "relistInterval": "30s", "rollouts": True},
        "leaderElection": {"namespace": SYSTEM, "identity": "argo"},
        "admission": {"policy": f"{SYSTEM}.{SYSTEM}.decisions"},
        "http": {"host": "127.0.0.1", "port": port},
        "log": {"format": "console"},
    }
    config = argo / "config.json"
    config.write_text(json.dumps(settings))
    executable = shutil.which("knowngood-operator", path=str(Path(sys.executable).parent))
    assert executable
    with behind_a_proxy(as_service_account(cluster, argo, SYSTEM), argo) as (proxy, through):
        operator = Operator(executable, config, through, argo / "operator.log", port)
        operator.start()
        try:
            yield proxy
        finally:
            operator.stop()


@pytest.fixture(scope="module", name="served")
def _served(argo: Path, cluster: Cluster, releases: Images) -> RolloutPlace:
    found = RolloutPlace(cluster, NAMESPACE, *releases)
    cluster.apply(*found.objects(found.good))
    eventually("the Rollout serves", 120, lambda: found.serves(found.good))
    return found


@pytest.fixture(name="place")
def _place(served: RolloutPlace, gate: Proxy) -> RolloutPlace:
    served.reset(served.good)
    eventually("no incident", 20, lambda: not served.incidents())
    return served


def contained(place: RolloutPlace) -> Raw:
    """The condition Contained of the incident."""
    found = place.incident()
    return condition(found.get("status", {}), "Contained") if found else {}


def test_a_bad_canary_is_pinned_back_by_guarded_operations(place: RolloutPlace, gate: Proxy) -> None:
    begun = len(gate.writes)
    place.set_image(place.bad)
    found = eventually("contained", 90, lambda: place.in_phase("Contained"))
    assert place.image() == place.good
    assert found["status"]["suspect"]["digest"] == place.bad.split("@")[1]
    assert found["status"]["evidence"]["rollouts"], "its ReplicaSets"
    eventually("the canary is gone", 30, lambda: place.serves(place.good))
    place.kubectl("wait", "aiincident", "--all", "--for=condition=ContainmentEffective", "--timeout=60s")
    eventually("healthy again", 30, place.healthy)
    writes = [w for w in gate.writes[begun:] if w.plural == "rollouts"]
    (pin,) = (w for w in writes if "operations" in w.body)
    steps = pin.body["operations"]
    assert [step["path"] for step in steps[:2]] == HELD
    assert all(step["op"] == "test" for step in steps[:2])
    assert all(step["path"].startswith(DECLARED) for step in steps[2:]), steps
    assert all(w.body["metadata"]["resourceVersion"] and w.method == "PATCH" for w in writes if w is not pin)


def test_a_person_who_writes_first_wins(place: RolloutPlace, gate: Proxy) -> None:
    """The operator's patch is held on its way; its test does not hold any more once the person has written."""
    gate.arm_next_life("PATCH rollouts [image]", Faults.STOP_BEFORE.value, lambda: None)
    gate.fired.clear()
    place.set_image(place.bad)
    eventually("the patch is on its way", 60, gate.fired.is_set)
    place.set_image(place.better)
    gate.release()
    eventually("the person is named", 60, lambda: contained(place).get("reason") == "PersonWrote")
    assert place.image() == place.better
    assert gate.struck
    assert gate.struck.accepted == 422


def test_a_rollout_whose_template_is_elsewhere_is_refused(served: RolloutPlace, gate: Proxy) -> None:
    rollout = served.rollout()
    spec = {key: rollout["spec"][key] for key in ("selector", "strategy")}
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nowhere"}
    meta = {"name": "borrower", "namespace": NAMESPACE, "labels": {"knowngood.dev/model": "borrower"}}
    model = served.model(None)
    model["spec"]["workloadRef"]["name"] = model["metadata"]["name"] = "borrower"
    spec |= {"replicas": 0, "workloadRef": ref, "selector": {"matchLabels": {"app": "borrower"}}}
    served.cluster.apply({**rollout, "metadata": meta, "spec": spec, "status": None}, model)

    def ready() -> Raw:
        found = served.cluster.get("modeldeployment", "borrower", "-n", NAMESPACE)
        return condition(found.get("status") or {}, "Ready")

    said = eventually("refused", 30, lambda: ready().get("reason") == "NotSupported" and ready())
    assert "takes its pod template from Deployment nowhere" in said["message"]
