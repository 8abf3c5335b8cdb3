"""Policies and their models, kept up to date event by event: always what a fresh look at the store would find."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.shell import policies as policies_of
from knowngood.shell.policies import Policies
from knowngood.shell.store import Store
from tests import builders as b
from tests.loop import raw_model, raw_policy

pytestmark = pytest.mark.unit
Event = tuple[str, str, dict[str, Any] | None]

MODELS = st.fixed_dictionaries(
    {"labels": st.sampled_from([{"tier": "critical"}, {"tier": "low"}, {}])},
    optional={"series": st.sampled_from([{"model": "x"}, {"model": "x", "adapter": "y"}, {"other": "z"}])},
)
POLICIES = st.fixed_dictionaries(
    {"tier": st.sampled_from(["critical", "low", ""]), "interval": st.sampled_from(["5s", "10s"])},
    optional={"most": st.integers(1, 3)},
)
EVENTS = st.lists(
    st.tuples(st.just("ModelDeployment"), st.sampled_from("abc"), MODELS | st.none())
    | st.tuples(st.just("IncidentPolicy"), st.sampled_from("xy"), POLICIES | st.none()),
    max_size=20,
)


def model(name: str, version: int, given: dict[str, Any]) -> dict[str, Any]:
    series = {"series": {"matchLabels": given["series"]}} if "series" in given else {}
    raw = raw_model(name, version, **series)
    return {**raw, "metadata": {**raw["metadata"], "labels": given["labels"]}}


def policy(name: str, version: int, given: dict[str, Any]) -> dict[str, Any]:
    selector = {"matchLabels": {"tier": given["tier"]}} if given["tier"] else {}
    limits = {"limits": {"maxConcurrentContainments": given["most"]}} if "most" in given else {}
    raw = raw_policy(interval=given["interval"], selector=selector, **limits)
    return {**raw, "metadata": {**raw["metadata"], "name": name, "uid": f"p-{name}", "resourceVersion": str(version)}}


def happen(store: Store, version: int, event: Event) -> None:
    kind, name, given = event
    entry = store.entry(kind, (b.NAMESPACE, name))
    if given is not None:
        raw = model(name, version, given) if kind == "ModelDeployment" else policy(name, version, given)
        raw["metadata"]["uid"] = entry.uid if entry else f"{kind}-{name}-{version}"
        store.apply(raw)
    elif entry is not None:
        store.drop(kind, (b.NAMESPACE, name), entry.uid)


def seen(found: Policies, models: list[str]) -> Any:
    """All that is told of the policies, whatever the order."""
    groups = {
        interval: {c.name: (tuple(s.judged_by for s in c.signals), frozenset(keys)) for c, keys in group}
        for interval, group in found.groups().items()
    }
    keys = [(b.NAMESPACE, name) for name in models]
    return (
        groups,
        {k: frozenset(found.policies_of(k)) for k in keys},
        {k: frozenset((s.policy, s.name, s.query) for s in found.signals_of(k)) for k in keys},
        {k: found.names_of(k) for k in keys},
        dict(found.most_contained()),
    )


@given(EVENTS)
def test_after_any_events_they_are_what_a_fresh_look_finds(events: list[Event]) -> None:
    store = Store()
    followed = Policies(store)
    for version, event in enumerate(events, 1):
        happen(store, version, event)
        if version % 3:
            followed.groups()  # whether somebody looked in between makes no difference
    assert seen(followed, ["a", "b", "c"]) == seen(Policies(store), ["a", "b", "c"])


def test_a_model_more_compiles_nothing_and_a_status_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = policies_of.compile_policy
    monkeypatch.setattr(policies_of, "compile_policy", lambda p, m: compiled.append(p.metadata.name) or real(p, m))
    store = Store()
    store.apply(raw_policy())
    store.apply(raw_model("a"))
    found = Policies(store)
    before = found.compiled((b.NAMESPACE, b.POLICY))
    store.apply(raw_policy() | {"metadata": {**raw_policy()["metadata"], "resourceVersion": "8"}})
    store.apply(raw_model("a", 2))
    after = found.compiled((b.NAMESPACE, b.POLICY))
    assert before is after
    store.apply(raw_model("b"))
    later = found.compiled((b.NAMESPACE, b.POLICY))
    assert before is not None
    assert later is not None
    assert later[0] is before[0]
    assert later[1] == ((b.NAMESPACE, "a"), (b.NAMESPACE, "b"))
    assert compiled == [b.POLICY]


def test_a_label_more_by_which_series_are_told_changes_the_request() -> None:
    store = Store()
    store.apply(raw_policy())
    found = Policies(store)
    store.apply(raw_model("a"))
    (plain,) = found.signals_of((b.NAMESPACE, "a"))
    store.apply(raw_model("b", series={"matchLabels": {"model": "x", "adapter": "y"}}))
    (told,) = found.signals_of((b.NAMESPACE, "a"))
    assert "adapter" in told.query
    assert "adapter" not in plain.query
