"""The demo's smaller parts: audit log, policy, manifests, chart values, where it plays."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.demo import install, moments, own, policy
from lab.demo.alone import alone
from lab.demo.audit import first_patch, patches
from lab.demo.cluster import CommandError
from lab.demo.healthy import is_proven
from lab.demo.place import place_of

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
OPERATOR = "system:serviceaccount:knowngood-system:knowngood"
DIGEST = "sha256:" + "a" * 64
IMAGE = f"reg:5000/digits@{DIGEST}"


def entry(time: str = "06:00:13.123456", **changes: Any) -> str:
    body = {"spec": {"template": {"spec": {"containers": [{"name": "model", "image": IMAGE}]}}}}
    whole: dict[str, Any] = {
        "stage": "ResponseComplete",
        "verb": "patch",
        "user": {"username": OPERATOR},
        "objectRef": {"resource": "deployments", "namespace": "vision", "name": "digits"},
        "responseStatus": {"code": 200},
        "requestObject": body,
        "requestReceivedTimestamp": f"2026-11-23T{time}Z",
    }
    return json.dumps(whole | changes)


def found(*lines: str) -> datetime | None:
    patch = first_patch(
        patches(lines, "vision", "digits", "model"), "system:serviceaccount:knowngood-system:", IMAGE, START
    )
    return patch.at if patch else None


def test_the_operators_patch_is_found_with_its_microseconds():
    assert found(entry("06:00:14.5"), entry()) == datetime(2026, 11, 23, 6, 0, 13, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        entry(stage="RequestReceived"),
        entry(verb="get", note="patch deployments"),
        entry(user={"username": "admin"}),
        entry(responseStatus={"code": 409}),
        entry(objectRef={"resource": "deployments", "namespace": "vision", "name": "other"}),
        entry(objectRef={"resource": "deployments", "namespace": "else", "name": "digits"}),
        entry(requestObject={"metadata": {"annotations": {"knowngood.dev/fence": "2"}}}),
        entry(requestObject=None),
        entry("05:59:59"),
        entry()[:-20],
        "",
    ],
)
def test_what_is_not_that_patch_is_passed_over(line: str):
    assert found(line) is None


def test_the_demos_policy_is_read_from_its_manifest():
    numbers, signal = policy.read("vision")
    assert numbers == policy.Policy(below=0.9, hold=5, min_samples=50, interval=5)
    assert (signal.name, signal.window, signal.by_release) == ("accuracy", 20, True)


def _resources(base: Path) -> Iterator[Path]:
    for name in yaml.safe_load((base / "kustomization.yaml").read_text())["resources"]:
        path = base / name
        yield from _resources(path) if path.is_dir() else [path]


def documents() -> dict[tuple[str, str], dict[str, Any]]:
    loaded = (doc for path in _resources(policy.MANIFESTS) for doc in yaml.safe_load_all(path.read_text()))
    return {(doc["kind"], doc["metadata"]["name"]): doc for doc in loaded}


def test_consent_is_on_the_workload_and_not_on_its_pods():
    digits = documents()["Deployment", "digits"]
    assert digits["metadata"]["labels"]["knowngood.dev/model"] == "digits"
    assert "knowngood.dev/model" not in digits["spec"]["template"]["metadata"]["labels"]


def test_a_roll_out_leaves_time_to_drain():
    digits = documents()["Deployment", "digits"]
    assert digits["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    template = digits["spec"]["template"]["spec"]
    container = template["containers"][0]
    drain = int(next(e["value"] for e in container["env"] if e["name"] == "DRAIN_SECONDS"))
    asleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert asleep + drain < template["terminationGracePeriodSeconds"] - 5


def test_the_policy_selects_the_model():
    found = documents()
    selector = found["IncidentPolicy", "digits-quality"]["spec"]["selector"]["matchLabels"]
    labels = found["ModelDeployment", "digits"]["metadata"]["labels"]
    assert selector.items() <= labels.items()
    assert "knownGood" not in found["ModelDeployment", "digits"]["spec"]


def test_the_overlay_puts_the_image_by_digest(tmp_path: Path):
    content = install.overlay(IMAGE, tmp_path / "manifests" / "demo", tmp_path / "build" / "overlay")
    assert content["resources"] == ["../../manifests/demo"]
    assert content["images"] == [{"name": "digits-model", "newName": "reg:5000/digits", "digest": DIGEST}]


def test_chart_values():
    values = install.values(f"reg:5000/op@{DIGEST}", "http://p:9090", "reg:5000")
    assert values == {
        "image": {"repository": "reg:5000/op", "digest": DIGEST},
        "sources": {"default": {"url": "http://p:9090"}},
        "registries": {"allowed": ["reg:5000"]},
    }


def deployed(**changes: int) -> dict[str, Any]:
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 3}
    return {"metadata": {"generation": 3}, "spec": {"replicas": 2}, "status": counts | changes}


def test_a_roll_out_has_settled_when_all_are_new_and_there():
    assert install.settled(deployed())
    assert not install.settled({"metadata": {"generation": 1}, "spec": {}})


@pytest.mark.parametrize("name", ["replicas", "updatedReplicas", "availableReplicas", "observedGeneration"])
def test_a_roll_out_has_not_settled_before(name: str):
    assert not install.settled(deployed(**{name: 1}))


def pod(name: str, restarts: int, *, ready: bool) -> dict[str, Any]:
    status = {"containerStatuses": [{"restartCount": restarts, "ready": ready}]}
    return {"metadata": {"name": name}, "status": status}


def test_a_container_that_ends_again_and_again_is_not_waited_for():
    before = install.restarts([pod("old", 5, ready=False)])
    assert install.crashed(before, install.restarts([pod("new", 3, ready=False)]))
    assert not install.crashed(before, install.restarts([pod("old", 6, ready=False), pod("new", 2, ready=False)]))
    assert not install.crashed(before, install.restarts([pod("new", 3, ready=True)]))
    assert install.restarts([{"metadata": {"name": "starting"}}]) == {"starting": 0}


def test_waiting_says_what_was_seen_last():
    with pytest.raises(install.TimedOutError, match=r"the moon: not within 0 s; last seen: clouds"):
        install.wait("the moon", 0, lambda: (False, "clouds"))


def test_a_place_needs_its_three_names():
    env = {"KUBECONFIG": "/k", "PROMETHEUS_URL": "http://p", "REGISTRY": "r:5000"}
    assert place_of(env, {}).kubectl == "kubectl"
    with pytest.raises(CommandError, match="lacks PROMETHEUS_URL, REGISTRY"):
        place_of({"KUBECONFIG": "/k"}, {})


def status(**changes: Any) -> dict[str, Any]:
    signals = {"ok": 1, "total": 1, "summary": "1/1", "items": [{"name": "accuracy", "verdict": "Healthy"}]}
    pinned = {"containers": [{"name": "model", "image": IMAGE}], "source": "Promoted"}
    return {"status": {"phase": "Healthy", "signals": signals, "knownGood": pinned} | changes}


def test_proven_is_healthy_with_this_image():
    assert is_proven(status(), IMAGE) == (True, "phase Healthy, signals 1/1 (accuracy: Healthy)")


@pytest.mark.parametrize(
    "model",
    [
        {},
        status(phase="Learning"),
        status(knownGood={}),
        status(knownGood={"containers": [{"name": "model", "image": "other"}]}),
        status(signals={"ok": 0, "total": 1}),
        status(signals={"ok": 0, "total": 0}),
    ],
)
def test_anything_less_is_not_proven(model: dict[str, Any]):
    assert not is_proven(model, IMAGE)[0]


def test_one_demo_at_a_time(tmp_path: Path):
    with alone(tmp_path / "lock"), pytest.raises(CommandError, match="another demo runs"), alone(tmp_path / "lock"):
        pass
    with alone(tmp_path / "lock"):
        pass


def test_times_are_written_with_milliseconds_and_read_with_any():
    assert moments.rfc3339(moments.parse("2026-11-23T08:00:00.123456+02:00")) == "2026-11-23T06:00:00.123Z"
    assert moments.rfc3339(None) is None
    assert moments.parse("") is None


class _Namespaces:
    """kubectl, as far as namespaces go."""

    def __init__(self, **labels: dict[str, str]) -> None:
        self.labels = labels
        self.deleted: list[str] = []

    def __call__(self, verb: str, kind: str, name: str, *rest: str) -> str:
        assert kind == "namespace"
        if verb == "create":
            self.labels[name] = {}
        elif verb == "label":
            key, _, value = rest[0].partition("=")
            self.labels[name][key] = value
        elif verb == "delete":
            self.deleted.append(name)
        return json.dumps({"metadata": {"labels": self.labels[name]}}) if name in self.labels else ""


def test_what_no_demo_made_is_neither_deleted_nor_taken_over():
    cluster = _Namespaces(vision={}, **{"knowngood-system": {"team": "ml"}})
    for act in (lambda: install.remove_last_run(cluster), lambda: own.claim(cluster, "knowngood-system")):
        with pytest.raises(CommandError, match="was not made by a demo"):
            act()
    assert cluster.deleted == []
    assert cluster.labels["knowngood-system"] == {"team": "ml"}


def test_what_a_demo_made_goes_with_the_next_one():
    cluster = _Namespaces()
    assert not install.remove_last_run(cluster)
    own.claim(cluster, "vision")
    own.claim(cluster, "vision")
    assert install.remove_last_run(cluster)
    assert cluster.deleted == ["vision"]
