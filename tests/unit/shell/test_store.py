"""What the store believes: the newest version, of the object that exists."""

from typing import Any

from knowngood.core.facts.workload import read_workload
from knowngood.shell.store import READERS, Store
from knowngood.shell.watch import Watcher, resources

KEY = ("vision", "digits")
CONSENT = {"knowngood.dev/model": "digits"}


def deployment(version: int, uid: str = "a", image: str = "x") -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": KEY[0], "name": KEY[1], "uid": uid, "resourceVersion": str(version)},
        "spec": {"template": {"spec": {"containers": [{"name": "model", "image": image}]}}},
    }


def image(store: Store) -> str | None:
    found = store.workload("Deployment", KEY)
    return found.images["model"] if found else None


def test_an_older_event_is_not_believed() -> None:
    store = Store()
    store.apply(deployment(10, image="new"))
    store.apply(deployment(9, image="old"))
    assert image(store) == "new"


def test_versions_are_numbers() -> None:
    store = Store()
    store.apply(deployment(9, image="old"))
    store.apply(deployment(10, image="new"))
    assert image(store) == "new"


def test_a_late_event_of_a_deleted_object_does_not_bring_it_back() -> None:
    store = Store()
    store.apply(deployment(10))
    store.remove(deployment(11))
    store.apply(deployment(10))
    assert image(store) is None


def test_another_object_of_the_same_name_is_another_object() -> None:
    store = Store()
    store.apply(deployment(10, uid="a", image="old"))
    store.apply(deployment(3, uid="b", image="new"))
    assert image(store) == "new"
    store.remove(deployment(11, uid="a"))
    assert image(store) == "new"


def test_a_list_drops_what_a_gap_in_the_watch_hid_but_not_what_came_meanwhile() -> None:
    store = Store()
    store.apply(deployment(10))
    began = store.snapshot("Deployment")
    other = deployment(12, uid="c")
    other["metadata"]["name"] = "late"
    store.apply(other)
    store.replace_all("Deployment", [], began, 12)
    assert image(store) is None
    assert store.workload("Deployment", ("vision", "late")) is not None


async def test_a_consent_that_is_taken_back_and_given_again_is_seen_by_the_watch() -> None:
    store = Store()
    watcher = Watcher(store, [])
    for version, labels in ((10, CONSENT), (11, {}), (12, CONSENT)):
        raw = deployment(version)
        raw["metadata"]["labels"] = labels
        await watcher._on_event({"type": "MODIFIED", "object": raw})
        assert (image(store) is not None) == bool(labels)


def test_a_consent_that_is_taken_back_and_given_again_is_seen_by_the_list() -> None:
    store = Store()
    store.apply(deployment(10))
    store.replace_all("Deployment", [], store.snapshot("Deployment"), 11)
    store.apply(deployment(11))
    assert image(store) is None, "older than the list that did not have it"
    store.replace_all("Deployment", [deployment(12)], store.snapshot("Deployment"), 13)
    assert image(store) == "x"


def test_listeners_hear_of_changes_and_of_nothing_else() -> None:
    store, heard = Store(), []
    store.subscribe(lambda kind, key, value: heard.append((kind, key, value is None)))
    store.apply(deployment(10))
    store.apply(deployment(10))
    store.remove(deployment(10))
    assert heard == [("Deployment", KEY, False), ("Deployment", KEY, True)]


def test_an_object_that_cannot_be_read_is_kept_with_its_problem() -> None:
    store = Store()
    meta = {"namespace": KEY[0], "name": KEY[1], "uid": "m", "resourceVersion": "1"}
    store.apply({"apiVersion": "knowngood.dev/v1alpha1", "kind": "ModelDeployment", "metadata": meta, "spec": {"x": 1}})
    entry = store.entry("ModelDeployment", KEY)
    assert entry is not None
    assert "workloadRef" in entry.problem
    assert list(store.models()) == []


def pod(name: str, version: int, labels: dict[str, str], namespace: str = KEY[0]) -> dict[str, Any]:
    meta = {"namespace": namespace, "name": name, "uid": f"{namespace}-{name}", "resourceVersion": str(version)}
    spec = {"containers": [{"name": "model", "image": "x"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**meta, "labels": labels}, "spec": spec}


def names(store: Store, selector: dict[str, Any]) -> list[str]:
    raw = deployment(1)
    raw["spec"]["selector"] = selector
    return sorted(p.name for p in store.pods(read_workload(raw)))


class TestPods:
    def test_by_every_requirement_of_the_selector_in_its_namespace(self) -> None:
        store = Store()
        store.apply(pod("one", 1, {"app": "digits", "track": "stable"}))
        store.apply(pod("two", 2, {"app": "digits", "track": "canary"}))
        store.apply(pod("three", 3, {"app": "other", "track": "stable"}))
        store.apply(pod("four", 4, {"app": "digits"}, "speech"))
        stable = [{"key": "track", "operator": "NotIn", "values": ["canary"]}]
        assert names(store, {"matchLabels": {"app": "digits"}}) == ["one", "two"]
        assert names(store, {"matchLabels": {"app": "digits"}, "matchExpressions": stable}) == ["one"]
        assert names(store, {"matchExpressions": stable}) == ["one", "three"]
        assert names(store, {}) == []

    def test_a_pod_that_changes_its_labels_or_goes_is_found_no_more(self) -> None:
        store = Store()
        store.apply(pod("one", 1, {"app": "digits"}))
        store.apply(pod("one", 2, {"app": "retired"}))
        assert names(store, {"matchLabels": {"app": "digits"}}) == []
        assert names(store, {"matchLabels": {"app": "retired"}}) == ["one"]
        store.remove(pod("one", 3, {"app": "retired"}))
        assert names(store, {"matchLabels": {"app": "retired"}}) == []


def model(version: int, workload: str) -> dict[str, Any]:
    meta = {"namespace": KEY[0], "name": "m", "uid": "m", "resourceVersion": str(version)}
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload}
    return {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": meta,
        "spec": {"workloadRef": ref},
    }


def test_models_by_their_workload_whether_it_is_there_or_not() -> None:
    store = Store()
    store.apply(model(1, "digits"))
    assert store.models_on("Deployment", KEY) == ((KEY[0], "m"),)
    assert store.models_on("StatefulSet", KEY) == ()
    store.apply(model(2, "other"))
    assert store.models_on("Deployment", KEY) == ()
    assert store.models_on("Deployment", (KEY[0], "other")) == ((KEY[0], "m"),)
    store.remove(model(3, "other"))
    assert store.models_on("Deployment", (KEY[0], "other")) == ()


def test_rollouts_are_watched_and_listed_only_where_the_cluster_has_them() -> None:
    assert "Rollout" not in {r.kind for r in resources(rollouts=False)}
    assert set(READERS) == {r.kind for r in resources(rollouts=True)}
