import copy
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from knowngood.api import crds
from knowngood.api.crds import RESOURCES, definition
from knowngood.api.schema import Cel, Shape, by, literal
from knowngood.api.structural import structural, without_defaults

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
ALLOWED = {
    "additionalProperties",
    "default",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-validations",
}


def _schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in RESOURCES:
        version = definition(resource)["spec"]["versions"][0]
        yield from _walk(version["schema"]["openAPIV3Schema"], resource.kind)


def _walk(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _walk(child, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if key in schema:
            yield from _walk(schema[key], path + mark)


SCHEMAS = list(_schemas())
OURS = [(path, schema) for path, schema in SCHEMAS if path.count(".") and path.split(".")[1] in ("spec", "status")]


@pytest.mark.parametrize("directory", crds.DIRECTORIES, ids=str)
def test_files_are_what_the_models_say(directory: Path) -> None:
    found = {path.name: path.read_text() for path in (ROOT / directory).glob("*")}
    assert found == crds.documents(), "run `make generate`"


def test_chart_copies_are_byte_equal() -> None:
    ours, charts = (ROOT / directory for directory in crds.DIRECTORIES)
    for path in ours.glob("*.yaml"):
        assert path.read_bytes() == (charts / path.name).read_bytes()


def test_every_field_has_a_description() -> None:
    fields = [(path, schema) for path, schema in OURS if not path.endswith(("[]", ".*"))]
    assert len(fields) > 300
    assert [path for path, schema in fields if not schema.get("description", "").endswith(".")] == []


def test_everything_is_bounded() -> None:
    bounds = {
        "string": ("maxLength", "enum"),
        "array": ("maxItems",),
        "object": ("properties", "maxProperties"),
    }
    unbounded = [
        path
        for path, schema in OURS
        if schema["type"] in bounds and not any(key in schema for key in bounds[schema["type"]])
    ]
    assert [path for path in unbounded if not path.endswith((".baseline", ".occurrence"))] == []


def test_lists_of_named_things_are_maps_and_others_say_what_they_are() -> None:
    for path, schema in OURS:
        if schema["type"] != "array":
            continue
        kind = schema.get("x-kubernetes-list-type")
        if "name" in schema["items"].get("properties", {}) and kind != "map":
            assert path in (
                "AIIncident.status.evidence.configs",  # by kind and name
                "AIIncident.status.evidence.workload.containers[].env",  # a name may stand twice
                "AIIncident.status.evidence.workload.initContainers[].env",
            )
        for key in schema.get("x-kubernetes-list-map-keys", []):
            assert key in schema["items"]["required"], path
        assert kind in ("map", "set", "atomic"), path


def test_only_keywords_that_a_structural_schema_has() -> None:
    assert [(path, set(schema) - ALLOWED) for path, schema in SCHEMAS if set(schema) - ALLOWED] == []
    assert [path for path, schema in SCHEMAS if "properties" in schema and "additionalProperties" in schema] == []


def test_status_has_no_defaults() -> None:
    assert [path for path, schema in OURS if ".status." in path and "default" in schema] == []


def test_rules_have_one_line_messages() -> None:
    for path, schema in SCHEMAS:
        for rule in schema.get("x-kubernetes-validations", []):
            assert rule["message"].strip(), path
            assert "\n" not in rule["message"] + rule["rule"], path


def test_write_is_repeatable_and_removes_what_is_no_longer(tmp_path: Path) -> None:
    stale = tmp_path / "crds" / "knowngood.dev_old.yaml"
    stale.parent.mkdir()
    stale.write_text("old")
    written = crds.write(tmp_path)
    assert len(written) == 8
    assert not stale.exists()
    before = {path: path.read_bytes() for path in written}
    crds.write(tmp_path)
    assert {path: path.read_bytes() for path in written} == before


def test_main_says_where_it_must_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crds.main([str(tmp_path)]) == 2
    assert "no pyproject.toml here" in capsys.readouterr().err
    (tmp_path / "pyproject.toml").touch()
    assert crds.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.count(".yaml") == 8


class Colour(StrEnum):
    RED = "Red"


class Leaf(BaseModel):
    """A leaf."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    kind: Literal["Leaf"] = "Leaf"


Key = Annotated[str, Field(max_length=5), Shape("^[a-z]+$", "a key", "letters")]


class Tree(BaseModel):
    """A tree."""

    leaf: Annotated[Leaf, Cel("self.share < 0.9", "less")] | None = None
    colour: Colour | None = None
    leaves: Annotated[list[Leaf], Field(max_length=3), by("kind")] = Field(default_factory=list)
    marks: Annotated[dict[Key, int], Field(max_length=4)] = Field(default_factory=dict)


def test_structural_form() -> None:
    made = structural(Tree)
    leaf = made["properties"]["leaf"]
    assert leaf["x-kubernetes-validations"] == [{"rule": "self.share < 0.9", "message": "less"}]
    assert leaf["properties"]["share"] == {
        "type": "number",
        "default": 0.5,
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 1,
        "exclusiveMaximum": True,
    }
    assert leaf["properties"]["kind"] == {"type": "string", "enum": ["Leaf"], "default": "Leaf"}
    assert made["properties"]["colour"] == {
        "description": Colour.__doc__,
        "type": "string",
        "enum": ["Red"],
    } or (made["properties"]["colour"] == {"type": "string", "enum": ["Red"]})
    assert made["properties"]["leaves"]["x-kubernetes-list-map-keys"] == ["kind"]
    assert "required" not in made


def test_keys_of_maps_are_held_by_cel() -> None:
    marks = structural(Tree)["properties"]["marks"]
    assert marks["additionalProperties"] == {"type": "integer"}
    assert marks["maxProperties"] == 4
    assert [rule["rule"] for rule in marks["x-kubernetes-validations"]] == [
        "self.all(key, key.size() <= 5)",
        "self.all(key, key.matches(r'^[a-z]+$'))",
    ]
    assert marks["x-kubernetes-validations"][1]["messageExpression"].startswith(
        "\"'\" + self.filter(key, !key.matches(r'^[a-z]+$'))[0] + '\\' is not a key"
    )


def test_without_defaults_reaches_everywhere_and_changes_nothing_given() -> None:
    given = structural(Tree)
    before = copy.deepcopy(given)
    bare = without_defaults(given)
    assert "default" not in str(bare)
    assert given == before


class Either(BaseModel):
    value: int | str


def test_unions_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"Either\.value: a CRD has no unions"):
        structural(Either)


def test_literal_survives_quotes() -> None:
    assert literal("it's a \\") == "'it\\'s a \\\\'"
