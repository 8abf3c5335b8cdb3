"""Whom a change of a pod concerns: the models whose workloads select it, found without a look at the others."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.incidentpolicy import SelectorOperator
from knowngood.core.facts.labels import Requirement, Selector
from knowngood.core.facts.workload import read_workload
from knowngood.shell.selecting import Selecting
from knowngood.shell.store import Key, Store
from tests import builders as b
from tests.loop import raw_model, raw_pod

pytestmark = pytest.mark.unit
LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2)
REQUIREMENTS = st.builds(Requirement, st.sampled_from("ab"), st.sampled_from(list(SelectorOperator)), st.just(("1",)))
SELECTORS = st.builds(Selector, LABELS.map(lambda d: tuple(sorted(d.items()))), st.lists(REQUIREMENTS).map(tuple))


def raw_workload(name: str, labels: dict[str, str], version: int = 1) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "model", "image": b.image("good")}]}}
    meta = {"name": name, "namespace": b.NAMESPACE, "uid": name, "resourceVersion": str(version), "labels": {}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


@given(st.lists(st.tuples(st.sampled_from("xyz"), SELECTORS | st.none()), max_size=8), LABELS)
def test_all_that_select_a_pod_are_found(events: list[tuple[str, Selector | None]], labels: dict[str, str]) -> None:
    found, now = Selecting(), dict[str, Selector]()
    plain = read_workload(raw_workload("x", {"a": "1"}))
    for name, selector in events:
        made = None if selector is None else replace(plain, selector=selector)
        found.put("Deployment", (b.NAMESPACE, name), made)
        now.pop(name, None)
        if selector is not None:
            now[name] = selector
    wanted = {name for name, selector in now.items() if selector.selects(labels)}
    assert sorted(key[1] for _, key in found.of(b.NAMESPACE, labels)) == sorted(wanted)
    assert list(found.of("elsewhere", labels)) == []


def test_a_pod_concerns_the_models_that_it_serves_or_served() -> None:
    store, told = Store(), list[set[Key]]()
    for name in ("a", "b"):
        store.apply(raw_workload(name, {"app": name}))
        raw = raw_model(name)
        store.apply({**raw, "spec": {"workloadRef": {**raw["spec"]["workloadRef"], "name": name}}})
    store.subscribe(lambda kind, key, value: told.append(store.concerned(kind, key, value)))
    pod = raw_pod()
    for version, labels in enumerate(({"app": "a"}, {"app": "b"}, {"app": "c"}), 2):
        meta = {**pod["metadata"], "labels": labels, "resourceVersion": str(version)}
        store.apply({**pod, "metadata": meta})
    a, both = (b.NAMESPACE, "a"), {(b.NAMESPACE, "a"), (b.NAMESPACE, "b")}
    assert told == [{a}, both, {(b.NAMESPACE, "b")}]
    meta = {**pod["metadata"], "labels": {"app": "a"}, "resourceVersion": "9"}
    store.apply({**pod, "metadata": meta})
    store.remove({**pod, "metadata": meta})
    assert told[3:] == [{a}, {a}], "what a pod that is gone served"
