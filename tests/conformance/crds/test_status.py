"""The whole status contract is stored unchanged, and printed as product.md says."""

from collections.abc import Iterator
from typing import Any

import pytest

from knowngood.api.common import MOST_ENV
from knowngood.core.incidents.bounds import fitted
from tests.conformance.apiserver import ApiServer
from tests.conformance.crds.inflated import inflated
from tests.conformance.crds.resources import MODELS, NAMESPACE, collection, example
from tests.conformance.crds.statuses import STATUSES

pytestmark = pytest.mark.conformance

CHANGES: dict[str, Any] = {
    "ModelDeployment": {"suspend": True},
    "IncidentPolicy": {"interval": "1m"},
    "Playbook": {"review": {"dueAfter": "1d"}},
    "AIIncident": {"summary": "x"},
}
PRINTED: dict[str, dict[str, object]] = {
    "ModelDeployment": {
        "NAME": None,
        "RUNNING": "abababababab",
        "KNOWN-GOOD": "cdcdcdcdcdcd",
        "PHASE": "Incident",
        "SIGNALS": "2/3",
        "INCIDENT": "digits-1",
        "READY": "True",
        "AGE": None,
    },
    "IncidentPolicy": {
        "NAME": None,
        "READY": "False",
        "MODELS": 12,
        "SIGNALS": 7,
        "FALSE-ALARMS": "84 in 30d",
        "AGE": None,
    },
    "Playbook": {"NAME": None, "READY": "False", "AGE": None},
    "AIIncident": {
        "NAME": None,
        "MODEL": "digits",
        "TYPE": "ModelFailure",
        "SEVERITY": "High",
        "PHASE": "Contained",
        "SIGNAL": "accuracy",
        "CONTAINED": "8s",
        "READY": None,
        "AGE": None,
    },
}


@pytest.fixture(params=list(MODELS))
def stored(request: pytest.FixtureRequest, api: ApiServer) -> Iterator[tuple[str, str]]:
    """A kind, and the path of an object of it that is gone after the test."""
    kind = str(request.param)
    made = api.create(collection(kind), example(kind))
    assert made.status == 201, made.message
    path = f"{collection(kind)}/{made.body['metadata']['name']}"
    yield kind, path
    assert api.call("DELETE", path).status == 200


def test_full_status_is_stored_unchanged(api: ApiServer, stored: tuple[str, str]) -> None:
    kind, path = stored
    answer = api.patch(f"{path}/status", {"status": STATUSES[kind]})
    assert answer.status == 200, answer.message
    assert answer.body["status"] == STATUSES[kind]
    assert MODELS[kind].from_object(answer.body).to_object()["status"] == STATUSES[kind]


def test_spec_and_status_are_written_apart(api: ApiServer, stored: tuple[str, str]) -> None:
    kind, path = stored
    by_spec = api.patch(path, {"status": STATUSES[kind]})
    assert "status" not in by_spec.body
    by_status = api.patch(f"{path}/status", {"spec": CHANGES[kind], "status": {"observedGeneration": 1}})
    assert by_status.body["spec"] == by_spec.body["spec"]
    assert by_status.body["metadata"]["generation"] == 1


def test_status_gets_no_defaults(api: ApiServer, stored: tuple[str, str]) -> None:
    kind, path = stored
    assert api.patch(f"{path}/status", {"status": {"conditions": []}}).body["status"] == {"conditions": []}
    assert MODELS[kind].from_object(api.get(path).body).to_object()["status"] == {}


@pytest.mark.parametrize("letter", ["x", "\U0001f600", '"'])
@pytest.mark.parametrize("length_items", [(1, 130), (100, 40), (1_024, 20), (4_096, 10), (20_000, 3)])
def test_an_incident_of_any_size_is_stored_once_it_is_fitted(
    api: ApiServer, letter: str, length_items: tuple[int, int]
) -> None:
    made = api.create(collection("AIIncident"), example("AIIncident"))
    path = f"{collection('AIIncident')}/{made.body['metadata']['name']}"
    status = fitted(inflated(letter, length_items))
    answer = api.patch(f"{path}/status", {"status": status})
    assert answer.status == 200, answer.message[:2_000]
    assert api.call("DELETE", path).status == 200


@pytest.mark.parametrize("letter", ["x", "\U0001f600", "\x01", "<"])
def test_the_largest_pins_leave_room_for_the_largest_status(api: ApiServer, letter: str) -> None:
    """A person's variables are bounded so that what they write never keeps the operator from writing."""
    each = (MOST_ENV - 8 * 2) // 8
    env = [{"name": f"V{n}", "value": letter * each} for n in range(8)]
    pins = [{"name": "model", "image": "r/digits@sha256:" + "ab" * 32, "env": env}]
    model, incident = example("ModelDeployment"), example("AIIncident")
    model["spec"] |= {"knownGood": {"containers": pins}, "candidate": {"containers": pins}}
    incident["spec"]["fix"] = {"kind": "Image", "containers": pins}
    for made, status in ((model, STATUSES["ModelDeployment"]), (incident, fitted(inflated(letter, (4_096, 10))))):
        created = api.create(collection(made["kind"]), made)
        assert created.status == 201, created.message[:2_000]
        path = f"{collection(made['kind'])}/{created.body['metadata']['name']}"
        answer = api.patch(f"{path}/status", {"status": status})
        assert answer.status == 200, answer.message[:2_000]
        assert api.call("DELETE", path).status == 200


def test_columns(api: ApiServer, stored: tuple[str, str]) -> None:
    kind, path = stored
    api.patch(f"{path}/status", {"status": STATUSES[kind]})
    table = api.get(path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}).body
    names = [column["name"] for column in table["columnDefinitions"]]
    assert [name.upper() for name in names] == list(PRINTED[kind])
    row = dict(zip(PRINTED[kind], table["rows"][0]["cells"], strict=True))
    assert {name: row[name] for name, value in PRINTED[kind].items() if value is not None} == {
        name: value for name, value in PRINTED[kind].items() if value is not None
    }


def test_short_names_and_category(api: ApiServer) -> None:
    found = api.get("/apis/knowngood.dev/v1alpha1").body["resources"]
    listed = {item["name"]: (item.get("shortNames"), item.get("categories")) for item in found}
    assert {name: value for name, value in listed.items() if "/" not in name} == {
        "modeldeployments": (["mdep"], ["knowngood"]),
        "incidentpolicies": (["ipol"], ["knowngood"]),
        "playbooks": (["pbook"], ["knowngood"]),
        "aiincidents": (["aii"], ["knowngood"]),
    }
    assert {name for name in listed if "/" in name} == {f"{name}/status" for name in listed if "/" not in name}


def test_explain_teaches(api: ApiServer) -> None:
    schemas: dict[str, Any] = api.get("/openapi/v3/apis/knowngood.dev/v1alpha1").body["components"]["schemas"]
    for kind in MODELS:
        shown = schemas[f"dev.knowngood.v1alpha1.{kind}"]
        assert shown["description"] == MODELS[kind].__doc__
        assert shown["properties"]["spec"]["description"]
    spec = schemas["dev.knowngood.v1alpha1.ModelDeployment"]["properties"]["spec"]["properties"]
    assert (
        "a tag is refused"
        in spec["knownGood"]["properties"]["containers"]["items"]["properties"]["image"]["description"]
    )


def test_generated_names_stay_in_the_namespace(api: ApiServer) -> None:
    made = api.create(collection("AIIncident"), example("AIIncident"), dry_run=True).body["metadata"]
    assert made["name"].startswith("digits-report-")
    assert made["namespace"] == NAMESPACE
