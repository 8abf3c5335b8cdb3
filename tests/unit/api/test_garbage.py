"""Whatever stands in a resource, reading it ends in a model or in sentences; never in another exception."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.base import InvalidObjectError
from knowngood.api.crds import RESOURCES, Resource

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[2] / "conformance" / "examples"
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in items for found in _paths(child, (*path, key)))]


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[Resource, dict[str, Any]]:
    resource = draw(st.sampled_from(RESOURCES))
    made: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{resource.kind.lower()}.yaml").read_text())
    *way, last = draw(st.sampled_from(_paths(made["spec"])[1:]))
    at: Any = made["spec"]
    for step in way:
        at = at[step]
    at[last] = draw(JSON)
    return resource, made


@given(_damaged())
def test_a_damaged_resource_is_read_or_explained(damaged: tuple[Resource, dict[str, Any]]) -> None:
    resource, raw = damaged
    before = copy.deepcopy(raw)
    try:
        made = resource.model.from_object(raw)
    except InvalidObjectError as refused:
        problems = refused.problems
    else:
        problems = []
        assert resource.model.from_object(made.to_object()) == made
    assert all(line.startswith("spec") for line in problems)
    assert repr(raw) == repr(before)


@given(JSON.filter(lambda value: isinstance(value, dict)))
def test_anything_at_all_is_read_or_explained(raw: dict[str, Any]) -> None:
    for resource in RESOURCES:
        with pytest.raises(InvalidObjectError):
            resource.model.from_object(raw)
