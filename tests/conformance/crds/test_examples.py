"""The definitions are sound, and product.md's examples are accepted unchanged."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from knowngood.api.crds import RESOURCES, Resource
from tests.conformance.apiserver import ApiServer
from tests.conformance.crds.resources import CRDS, EXAMPLES, MODELS, ROOT, collection, example

pytestmark = pytest.mark.conformance
PLAYBOOKS = sorted(path for path in (ROOT / "manifests" / "playbooks").glob("*.yaml") if path.stem != "kustomization")


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.plural)
def test_definition_is_established_and_structural(api: ApiServer, resource: Resource) -> None:
    found = api.get(f"{CRDS}/{resource.plural}.knowngood.dev").body
    conditions = {item["type"]: item["status"] for item in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_every_kind_has_an_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.yaml")} == {kind.lower() for kind in MODELS}


@pytest.mark.parametrize("kind", MODELS)
def test_example_is_accepted_unchanged(api: ApiServer, kind: str) -> None:
    given = example(kind)
    answer = api.create(collection(kind), given, dry_run=True)
    assert answer.status == 201, answer.message
    assert answer.warnings == ""
    assert _holds(answer.body["spec"], given["spec"]) == []


@pytest.mark.parametrize("kind", MODELS)
def test_server_and_models_fill_in_the_same_defaults(api: ApiServer, kind: str) -> None:
    given = example(kind)
    filled = api.create(collection(kind), given, dry_run=True).body
    assert _model_fills(kind, given) == _model_fills(kind, filled)
    assert _model_fills(kind, filled) == {key: value for key, value in filled["spec"].items() if value != []}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        (
            "ModelDeployment",
            {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits"}},
        ),
        (
            "IncidentPolicy",
            {"selector": {}, "signals": [{"name": "truncated", "preset": "vllm/truncated-answers"}]},
        ),
        (
            "AIIncident",
            {"modelRef": {"name": "digits"}, "type": "DataDrift", "severity": "Low", "origin": "User"},
        ),
    ],
)
def test_smallest_spec_gets_the_models_defaults(api: ApiServer, kind: str, spec: dict[str, Any]) -> None:
    given = {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "least"},
        "spec": spec,
    }
    answer = api.create(collection(kind), given, dry_run=True)
    assert answer.status == 201, answer.message
    assert _model_fills(kind, given) == answer.body["spec"]


def test_people_decide_in_the_spec_of_an_incident(api: ApiServer) -> None:
    digest = "sha256:" + "ab" * 32
    decided = {
        "policyRef": {"name": "digits-quality"},
        "acknowledgement": {"by": "alice@example.org", "comment": "on it"},
        "approval": {
            "decision": "Approve",
            "by": "alice@example.org",
            "planHash": digest,
            "expiresAt": "2026-11-23T07:00:00.5+01:00",
        },
        "fix": {
            "kind": "Image",
            "containers": [{"name": "model", "image": f"registry.local:5000/digits@{digest}"}],
        },
        "disposition": {"verdict": "BenignPositive", "by": "alice@example.org"},
        "closeRequest": {"by": "alice@example.org"},
        "gates": [
            {"name": "ask", "decision": "Reject", "by": "alice@example.org", "planHash": digest, "comment": "no"}
        ],
    }
    given = example("AIIncident")
    given["spec"] |= decided
    answer = api.create(collection("AIIncident"), given, dry_run=True)
    assert answer.status == 201, answer.message
    MODELS["AIIncident"].from_object(answer.body)


def test_candidate_is_accepted(api: ApiServer) -> None:
    given = example("ModelDeployment")
    pins = given["spec"].pop("knownGood")["containers"]
    given["spec"]["candidate"] = {"containers": pins}
    answer = api.create(collection("ModelDeployment"), given, dry_run=True)
    assert answer.status == 201, answer.message


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_shipped_playbook_is_accepted_unchanged(api: ApiServer, path: Path) -> None:
    given = yaml.safe_load(path.read_text())
    answer = api.create(collection("Playbook"), given, dry_run=True)
    assert answer.status == 201, answer.message
    assert answer.warnings == ""
    assert _holds(answer.body["spec"], given["spec"]) == []
    assert _model_fills("Playbook", answer.body) == _model_fills("Playbook", given)


def test_flags_and_lifted_quarantines_are_accepted(api: ApiServer) -> None:
    given = example("ModelDeployment")
    places = (
        {"configMapKeyRef": {"name": "guardrail", "key": "mode"}},
        {"env": {"name": "RATE", "container": "model"}},
    )
    given["spec"]["flags"] = [{"name": f"flag-{n}", "value": "x" * 1024, **places[n % 2]} for n in range(16)]
    given["spec"]["quarantine"] = {"lift": ["sha256:" + "ab" * 32]}
    answer = api.create(collection("ModelDeployment"), given, dry_run=True)
    assert answer.status == 201, answer.message
    assert _holds(answer.body["spec"], given["spec"]) == []


def _model_fills(kind: str, given: dict[str, Any]) -> Any:
    return MODELS[kind].from_object(given).to_object()["spec"]


def _holds(found: Any, wanted: Any, path: str = "spec") -> list[str]:
    """Where `found` lacks something of `wanted`; defaults that were added are no difference."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [line for key in wanted for line in _holds(found.get(key), wanted[key], f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(found) == len(wanted):
        return [line for n, item in enumerate(wanted) for line in _holds(found[n], item, f"{path}[{n}]")]
    return [] if found == wanted else [f"{path}: {found!r} is not {wanted!r}"]
