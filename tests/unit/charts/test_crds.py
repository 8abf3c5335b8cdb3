"""The chart ships exactly the generated CRDs."""

from typing import Any

import pytest
import yaml

from .conftest import CHART, REPO, Render

NAMES = sorted(path.name for path in (REPO / "crds").glob("*.yaml"))


def crds(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in objects if found["kind"] == "CustomResourceDefinition"}


def generated() -> dict[str, dict[str, Any]]:
    return crds([yaml.safe_load((REPO / "crds" / name).read_text()) for name in NAMES])


def test_copies_are_equal_to_the_byte() -> None:
    assert NAMES
    assert sorted(path.name for path in (CHART / "files" / "crds").glob("*")) == NAMES
    for name in NAMES:
        assert (CHART / "files" / "crds" / name).read_bytes() == (REPO / "crds" / name).read_bytes()


def test_rendered_unchanged(render: Render) -> None:
    assert crds(render({"crds": {"keep": False}})) == generated()


def test_kept_when_the_release_goes(render: Render) -> None:
    rendered = crds(render())
    assert rendered.keys() == generated().keys()
    for name, found in rendered.items():
        assert found["metadata"]["annotations"].pop("helm.sh/resource-policy") == "keep"
        if not found["metadata"]["annotations"]:
            del found["metadata"]["annotations"]
        assert found == generated()[name]


@pytest.mark.parametrize("keep", [True, False])
def test_can_be_left_to_others(render: Render, keep: bool) -> None:
    assert not crds(render({"crds": {"enabled": False, "keep": keep}}))
