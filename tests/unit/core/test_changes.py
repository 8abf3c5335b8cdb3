"""What changed and when is read from the objects themselves, and no secret with it."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.modelstatus import RunningStatus
from knowngood.api.observed import CauseKind
from knowngood.core.facts.workload import read_workload
from knowngood.core.incidents import changes, evidence, neighbours
from tests import builders as b

pytestmark = pytest.mark.unit
T = "2026-11-23T06:00:00Z"
SECONDS = b.START.timestamp()


def template(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "model", "image": "r/digits:v1", **container}]}}


def replica_set(revision: int, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"digits-{revision}",
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"uid": b.WORKLOAD_UID}],
            "creationTimestamp": T,
        },
        "spec": {"replicas": 2, "template": found},
    }


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[CauseKind, str]]:
    newest, oldest = evidence.rollouts([replica_set(1, before), replica_set(2, after)], b.WORKLOAD_UID)
    assert oldest.changes == [], "there is nothing before the first"
    return [(c.kind, c.what) for c in newest.changes]


def test_an_image_a_variable_and_a_setting_are_told_apart() -> None:
    before = template(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "x"}], args=["--fast"])
    after = template(image="r/digits:v2", env=[{"name": "A", "value": "2"}, {"name": "C"}], args=["--slow"])
    assert told(before, after) == [
        (CauseKind.RELEASE, "container model: image digits:v1 → digits:v2"),
        (CauseKind.ENVIRONMENT, "container model: A “1” → “2”"),
        (CauseKind.ENVIRONMENT, "container model: B “x” → (unset)"),
        (CauseKind.ENVIRONMENT, "container model: C (unset) → “”"),
        (CauseKind.CONFIGURATION, "container model: args changed"),
    ]


def test_a_digest_is_shown_short() -> None:
    assert changes.short_image(b.image("bad")) == f"digits@{b.BAD[7:19]}"
    assert changes.short_image("r/digits:v1") == "digits:v1"
    assert changes.short_image("") == ""


def test_a_secret_value_is_never_shown_but_its_change_is() -> None:
    before, after = (template(env=[{"name": "API_TOKEN", "value": v}]) for v in ("hunter2", "hunter3"))
    [(kind, what)] = told(before, after)
    assert kind is CauseKind.ENVIRONMENT
    assert "hunter" not in what
    assert "sha256:" in what


def test_where_a_variable_comes_from_is_part_of_it() -> None:
    refs = [{"configMapKeyRef": {"name": n, "key": "k"}} for n in ("one", "two")]
    before, after = (template(env=[{"name": "A", "valueFrom": r}]) for r in refs)
    [(kind, what)] = told(before, after)
    assert kind is CauseKind.ENVIRONMENT
    assert "one k" in what
    assert "two k" in what


def test_another_volume_or_checksum_is_configuration() -> None:
    before, after = template(), template()
    before["spec"]["volumes"] = [{"name": "c", "configMap": {"name": "settings-1"}}]
    after["spec"]["volumes"] = [{"name": "c", "configMap": {"name": "settings-2"}}]
    after["metadata"] = {"annotations": {"checksum/config": "x"}, "labels": {"pod-template-hash": "y"}}
    assert told(before, after) == [
        (CauseKind.CONFIGURATION, "the mounted volumes changed"),
        (CauseKind.CONFIGURATION, "the pods' annotation checksum/config changed"),
    ]


def test_a_restart_is_only_a_restart() -> None:
    after = template()
    after["metadata"] = {"annotations": {"kubectl.kubernetes.io/restartedAt": T}}
    assert [kind for kind, _ in told(template(), after)] == [CauseKind.REPLICAS]
    assert told(template(), template()) == []


def test_many_changes_are_bounded() -> None:
    after = template(env=[{"name": f"N{n}", "value": "x" * 5_000} for n in range(100)])
    found = told(template(), after)
    assert len(found) == changes.MAX_CHANGES
    assert max(len(what) for _, what in found) <= 1_000


def managed(*entries: tuple[str, str, Any]) -> dict[str, Any]:
    fields = [{"time": t, "subresource": s, "fieldsV1": {"f:spec": f}} for t, s, f in entries]
    return {"name": "m", "creationTimestamp": "2026-11-01T00:00:00Z", "managedFields": fields}


def test_the_last_write_is_the_newest_of_its_managers_and_status_is_none() -> None:
    earlier, later = "2026-11-23T05:00:00Z", "2026-11-23T07:00:00Z"
    assert changes.written_at(managed((earlier, "", {}), (T, "", {}), (later, "status", {}))) == SECONDS
    assert changes.written_at({"creationTimestamp": T}) == SECONDS
    assert changes.written_at({}) is None
    assert changes.written_at({"managedFields": [{"time": "garbage"}, {}]}) is None


def test_scaling_is_told_from_other_writes() -> None:
    whole = ("2026-11-23T07:00:00Z", "", {"f:replicas": {}, "f:template": {}})
    meta = managed((T, "scale", {"f:replicas": {}}), whole)
    assert read_workload({"metadata": meta, "spec": {}}).scaled_at == SECONDS
    assert read_workload({"metadata": managed((T, "", {"f:replicas": {}}), whole), "spec": {}}).scaled_at == SECONDS
    assert read_workload({"metadata": managed(whole), "spec": {}}).scaled_at is None


def test_what_running_pods_see_of_a_config_map() -> None:
    found = {
        "spec": {
            "volumes": [
                {"name": "a", "configMap": {"name": "seen"}},
                {"name": "p", "projected": {"sources": [{"configMap": {"name": "projected"}}]}},
                {"name": "s", "configMap": {"name": "by-sub-path"}},
                {"name": "n", "configMap": {"name": "not-mounted"}},
            ],
            "containers": [
                {
                    "name": "model",
                    "envFrom": [{"configMapRef": {"name": "variables"}}],
                    "volumeMounts": [{"name": "a"}, {"name": "p"}, {"name": "s", "subPath": "x"}],
                }
            ],
        }
    }
    assert changes.live_configs(found) == {"seen", "projected"}
    assert changes.live_configs({}) == frozenset()


def test_a_config_map_says_when_it_was_written() -> None:
    raw = {"metadata": managed((T, "", {})), "data": {"a": "1"}}
    found = evidence.config(raw, {"m"})
    assert found.changed_at == b.START
    assert found.live
    assert not evidence.config(raw).live


DEPENDENCIES = [
    {"name": "pipeline", "configMapKeyRef": {"name": "features", "key": "version"}, "contract": "features"},
    {"name": "embedder", "modelRef": {"name": "embedder"}, "contract": "embeddings"},
    {"name": "gone", "modelRef": {"name": "gone"}, "contract": "x"},
]


def test_neighbours_are_seen_with_what_they_provide_and_what_known_good_requires() -> None:
    required = {"knownGood": {**b.pinned(), "requires": {"features": "v3", "embeddings": "v1"}}}
    model = b.model({**required, "dependencies": DEPENDENCIES})
    config = {"metadata": managed((T, "", {})), "data": {"version": "v4\n", "other": "hunter2"}}
    upstream = b.model({"provides": {"embeddings": "v2"}}, name="embedder")
    found = neighbours.seen(model, {"features": config}, {"embedder": neighbours.Neighbour(upstream, b.incident())})
    assert [(d.name, d.version, d.required, d.changed_at) for d in found] == [
        ("pipeline", "sha256:8e38a1ea5c68 (2 B)", "v3", b.START),
        ("embedder", "v2", "v1", None),
    ]
    assert found[1].incident == b.incident().metadata.name
    assert neighbours.mismatch(found[0]) == (
        "features is not v3, which known-good requires, but sha256:8e38a1ea5c68 (2 B)"
    )
    assert neighbours.mismatch(found[1]) == "embeddings is v2; known-good requires v1"


@given(value=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200), required=st.sampled_from(["v3", ""]))
def test_a_config_maps_value_is_never_shown(value: str, required: str) -> None:
    """Whoever may read incidents need not be allowed to read ConfigMaps."""
    pin = {"knownGood": {**b.pinned(), **({"requires": {"features": required}} if required else {})}}
    named = {"name": "p", "configMapKeyRef": {"name": "m", "key": "version"}, "contract": "features"}
    config = {"metadata": {"name": "m"}, "data": {"version": f" {value}\n"}}
    [found] = neighbours.seen(b.model({**pin, "dependencies": [named]}), {"m": config}, {})
    raw = value.strip().encode()
    assert found.version == f"sha256:{hashlib.sha256(raw).hexdigest()[:12]} ({len(raw)} B)"
    assert bool(neighbours.mismatch(found)) == (bool(required) and value.strip() != required)


@pytest.mark.parametrize(("releases", "changed"), [(["bad"], None), (["bad", "good"], b.at(5))])
def test_an_upstreams_first_release_is_no_change(releases: list[str], changed: Any) -> None:
    upstream = b.model(name="embedder", releases=[b.release(r) for r in releases])
    running = RunningStatus(since=b.at(5))
    upstream = upstream.model_copy(update={"status": upstream.status.model_copy(update={"running": running})})
    model = b.model({"dependencies": DEPENDENCIES})
    [found] = neighbours.seen(model, {}, {"embedder": neighbours.Neighbour(upstream)})
    assert found.changed_at == changed
