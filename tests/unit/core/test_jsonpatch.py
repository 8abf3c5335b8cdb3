"""A strategic merge patch as operations: the same object, no index that moves, nothing that does not differ."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.response.jsonpatch import operations
from tests.patches import applied

pytestmark = pytest.mark.unit
NAMES = st.sampled_from("abcd")
VALUES = st.sampled_from(["", "1", "2"])


def rollout(**env: str) -> dict[str, Any]:
    variables = [{"name": name, "value": value} for name, value in env.items()]
    containers = [{"name": "proxy", "image": "p"}, {"name": "model", "image": "bad", "env": variables}]
    return {"metadata": {}, "spec": {"template": {"spec": {"containers": containers}}}}


def of(env: list[dict[str, str]], image: str = "bad") -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "model", "image": image, "env": env}]}}}}


def test_an_image_is_changed_where_the_container_is_tested() -> None:
    made = operations(rollout(A="1"), of([{"name": "A", "value": "1"}], "good"))
    assert made == [
        {"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "model"},
        {"op": "add", "path": "/spec/template/spec/containers/1/image", "value": "good"},
    ]


def test_what_is_so_already_and_what_is_gone_already_is_no_operation() -> None:
    patch = {"metadata": {"annotations": {"x": None}}, "spec": {"paused": None}}
    assert operations(rollout(A="1"), patch) == []
    assert operations(rollout(A="1"), of([{"name": "A", "value": "1"}, {"name": "B", "$patch": "delete"}])) == []


def test_keys_are_escaped_and_maps_that_are_not_there_are_made_without_what_goes() -> None:
    patch = {"metadata": {"annotations": {"knowngood.dev/a~b": "1", "gone": None}}}
    (made,) = operations(rollout(), patch)
    assert made == {"op": "add", "path": "/metadata/annotations", "value": {"knowngood.dev/a~b": "1"}}
    (again,) = operations({"metadata": {"annotations": {}}}, patch)
    assert again["path"] == "/metadata/annotations/knowngood.dev~1a~0b"


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, st.none() | VALUES))
def test_variables_merge_by_name_whatever_goes_and_comes(have: dict[str, str], want: dict[str, str | None]) -> None:
    raw = rollout(**have)
    before = copy.deepcopy(raw)
    env = [{"name": n, "$patch": "delete"} if v is None else {"name": n, "value": v} for n, v in want.items()]
    made = applied(raw, operations(raw, of(env)))
    found = {e["name"]: e["value"] for e in made["spec"]["template"]["spec"]["containers"][1]["env"]}
    assert found == {n: v for n, v in {**have, **want}.items() if v is not None}
    assert raw == before


def test_of_a_variable_that_is_there_twice_the_one_in_force_changes_and_both_go() -> None:
    raw = rollout(B="1")
    env = raw["spec"]["template"]["spec"]["containers"][1]["env"]
    env[:] = [{"name": "A", "value": "1"}, *env, {"name": "A", "value": "2"}]
    changed = applied(raw, operations(raw, of([{"name": "A", "value": "3"}])))
    assert [e["value"] for e in changed["spec"]["template"]["spec"]["containers"][1]["env"]] == ["1", "1", "3"]
    gone = applied(raw, operations(raw, of([{"name": "A", "$patch": "delete"}])))
    assert gone["spec"]["template"]["spec"]["containers"][1]["env"] == [{"name": "B", "value": "1"}]
