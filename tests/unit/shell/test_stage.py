"""The made-up cluster of a replay, as the operator's own readers see it."""

from typing import Any

import pytest

from knowngood.core.incidents.modelstatus import container_of
from knowngood.core.response.facts import running_digests
from knowngood.shell.facts import workload_of
from knowngood.shell.replay.stage import Stage
from knowngood.shell.store import Store
from knowngood.shell.subjects import Subjects
from tests import builders as b

KEY = (b.NAMESPACE, b.MODEL)


def stage(*models: Any) -> tuple[Stage, Store]:
    store = Store()
    made = Stage(store, b.policy())
    for model in models or (b.model(),):
        made.add(model)
    return made, store


def running(store: Store, key: tuple[str, str] = KEY) -> frozenset[str]:
    model = store.model(key)
    assert model is not None
    workload = workload_of(store, model)
    return running_digests(store.pods(workload), container_of(model, workload))


def test_a_pod_runs_what_it_is_seen_to() -> None:
    made, store = stage()
    assert running(store) == frozenset()
    assert made.see(KEY, {("1", "a")})
    first = running(store)
    made.see(KEY, {("1", "a"), ("2", "b")})
    assert len(running(store)) == 2
    made.see(KEY, {("2", "b")})
    assert running(store).isdisjoint(first)


def test_a_pod_that_comes_back_is_there_again() -> None:
    made, store = stage()
    made.see(KEY, {("1", "a"), ("1", "b")})
    made.see(KEY, {("1", "b")})
    made.see(KEY, {("1", "a"), ("1", "b")})
    assert sorted(p.name for p in store.pods(store.workload("Deployment", (b.NAMESPACE, "m0")))) == ["a", "b"]


def test_models_that_share_a_pod_have_releases_of_their_own() -> None:
    other = b.model(name="letters", uid="other")
    made, store = stage(b.model(), other)
    made.see(KEY, {("1", "a")})
    made.see((b.NAMESPACE, "letters"), {("7", "a")})
    assert running(store)
    assert running(store, (b.NAMESPACE, "letters"))
    assert running(store).isdisjoint(running(store, (b.NAMESPACE, "letters")))
    before = running(store)
    made.see((b.NAMESPACE, "letters"), {("8", "a")})
    assert running(store) == before


def test_a_label_that_history_ties_stands_for_its_digest() -> None:
    made, store = stage(b.model(releases=[b.release("good", label="1")]))
    made.see(KEY, {("1", "a")})
    assert running(store) == {b.GOOD}


def test_a_pin_is_of_the_container_that_answers() -> None:
    made, store = stage(b.model({"knownGood": b.pinned("good")}))
    made.see(KEY, {("1", "a")})
    subject = Subjects(store).of(KEY)
    assert subject is not None
    assert subject.known_good == b.GOOD


def test_labels_without_pods_are_tied_without_asking() -> None:
    made, store = stage()
    made.see(KEY, {("1", "")})
    subject = Subjects(store).of(KEY)
    assert subject is not None
    assert {subject.ties["1"]} == subject.running
    assert made.podless(KEY)


def test_what_no_api_server_would_take_is_no_part_of_it() -> None:
    made, _ = stage()
    with pytest.raises(ValueError, match=r"AIIncident x: spec\.modelRef"):
        made.create(
            {"metadata": {"namespace": b.NAMESPACE, "name": "x", "labels": {}}, "spec": {}}, "2026-01-01T00:00:00Z"
        )
