"""Every field of a workload that this API server knows is closed to the operator, but for a few."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.conformance.admission.attacks.base import DIGITS
from tests.conformance.admission.cluster import STRATEGIC, Client, admin, path_of
from tests.conformance.admission.world import workload
from tests.conformance.apiserver import ApiServer

pytestmark = pytest.mark.conformance
FACES: Final = path_of(workload("faces", None, "StatefulSet"))
API: Final = "/openapi/v3/apis/apps/v1"
META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
# (what it is called in the API server's schema, the path of its object in a workload, whose workload)
PLACES: Final = (
    ("io.k8s.api.apps.v1.DeploymentSpec", "spec", DIGITS),
    ("io.k8s.api.apps.v1.StatefulSetSpec", "spec", FACES),
    (META, "metadata", DIGITS),
    (META, "spec.template.metadata", DIGITS),
    ("io.k8s.api.core.v1.PodTemplateSpec", "spec.template", DIGITS),
    ("io.k8s.api.core.v1.PodSpec", "spec.template.spec", DIGITS),
    ("io.k8s.api.core.v1.Container", "spec.template.spec.containers", DIGITS),
    ("io.k8s.api.core.v1.Container", "spec.template.spec.initContainers", DIGITS),
)
GONE_INTO: Final = {"template", "containers", "initContainers", "metadata", "spec"}  # another place of the list
FREE: Final = {
    "spec": {"replicas"},  # to zero and back: what else is tried among the attacks
    "spec.template.spec.containers": {"image", "env"},
    "spec.template.spec.initContainers": {"image", "env"},
    "metadata": {"annotations"},
}
# The key that finds the container, and what the API server keeps itself, whatever a request says.
KEPT: Final = {
    "spec.template.spec.containers": {"name"},
    "spec.template.spec.initContainers": {"name"},
    "metadata": {"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation"}
    | {"managedFields", "name", "namespace", "resourceVersion", "selfLink", "uid", "generateName"},
}
VALUES: Final[dict[str, Any]] = {
    "labels": {"app": "digits", "x": "y"},
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u-1"}],
    "finalizers": ["knowngood.dev/hold"],
    "imagePullPolicy": "Never",
    "terminationMessagePolicy": "FallbackToLogsOnError",
    "serviceAccount": "x",
    "serviceAccountName": "x",
    "strategy": {"type": "Recreate", "rollingUpdate": None},
    "updateStrategy": {"type": "OnDelete", "rollingUpdate": None},
    "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Delete"},
    "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "x"}]}},
    "dnsConfig": {"nameservers": ["192.0.2.1"]},
    "dnsPolicy": "Default",
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["x"]}],
    "os": {"name": "linux"},
    "resourceClaims": [{"name": "x", "resourceClaimName": "y"}],
    "resources": {"limits": {"cpu": "1"}},
    "securityContext": {"runAsUser": 7},
    "tolerations": [{"operator": "Exists"}],
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "x", "whenUnsatisfiable": "ScheduleAnyway"}],
    "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
}
# What this API server's own validation refuses, in every form or in a Deployment.
REFUSED_ANYWAY: Final = {
    "spec": {"selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"},
    "spec.template.metadata": {"creationTimestamp", "deletionTimestamp"},
    "spec.template.spec": {
        "activeDeadlineSeconds",
        "ephemeralContainers",
        "overhead",
        "preemptionPolicy",
        "restartPolicy",
    },
    "spec.template.spec.initContainers": {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}
    | {"restartPolicy", "restartPolicyRules", "volumeDevices", "volumeMounts", "resizePolicy"},
    "spec.template.spec.containers": {"restartPolicy", "restartPolicyRules", "volumeDevices", "volumeMounts"},
}


@pytest.fixture(scope="module", name="schemas")
def _schemas(api: ApiServer) -> dict[str, Any]:
    found: dict[str, Any] = admin(api).send("GET", API).body["components"]["schemas"]
    return found


def _value(field: str, schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of that schema that differs from what the workloads have."""
    if field in VALUES:
        return VALUES[field]
    for part in schema.get("allOf", []):
        schema = schemas[part["$ref"].rpartition("/")[2]]
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    match schema.get("type"):
        case "boolean":
            return True
        case "integer":
            return 7
        case "array":
            return [_value("", schema["items"], schemas)]
        case "object":
            if "properties" not in schema:
                return {"x": "y"}
            wanted = schema.get("required") or list(schema["properties"])[:1]
            return {name: _value("", schema["properties"][name], schemas) for name in wanted}
        case _:
            return "x"


def _fields(schemas: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    for name, place, path in PLACES:
        for field, schema in schemas[name]["properties"].items():
            if field in GONE_INTO or field in FREE.get(place, ()) or field in KEPT.get(place, ()):
                continue
            yield place, path, field, _value(field, schema, schemas)


def _patch(place: str, given: dict[str, Any]) -> dict[str, Any]:
    made: Any = given
    if place.endswith("ontainers"):
        made = [{"name": "weights" if "init" in place else "model", **given}]
    for step in reversed(place.split(".")):
        made = {step: made}
    body: dict[str, Any] = made
    return body


def _content(body: dict[str, Any]) -> dict[str, Any]:
    meta = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": meta}


def test_no_field_is_open(api: ApiServer, operator: Client, schemas: dict[str, Any]) -> None:
    was = {path: _content(admin(api).send("GET", path).body) for path in (DIGITS, FACES)}
    tried: dict[str, list[str]] = {"policy": [], "server": [], "ignored": [], "changed": []}
    for place, path, field, value in _fields(schemas):
        answer = operator.send("PATCH", path, _patch(place, {field: value}), STRATEGIC, dry_run=True)
        if "ValidatingAdmissionPolicy" in answer.message:
            tried["policy"].append(f"{place}.{field}")
        elif answer.status >= 400:
            tried["server"].append(f"{place}.{field}")
        else:
            same = _content(answer.body) == was[path]
            tried["ignored" if same else "changed"].append(f"{place}.{field}")
    assert tried["changed"] == []
    anyway = {f"{place}.{field}" for place, fields in REFUSED_ANYWAY.items() for field in fields}
    assert set(tried["server"]) <= anyway
    assert len(tried["policy"]) >= 78, tried
    # What this API server drops is no way in: fields of features that are off.
    assert len(tried["ignored"]) <= 5, tried["ignored"]


def test_the_places_are_all_that_a_workload_has(schemas: dict[str, Any]) -> None:
    """Below these, whole values are compared; a new object beside them would have to be listed here."""
    for name in ("io.k8s.api.apps.v1.Deployment", "io.k8s.api.apps.v1.StatefulSet"):
        assert set(schemas[name]["properties"]) == {"apiVersion", "kind", "metadata", "spec", "status"}
    assert set(schemas["io.k8s.api.core.v1.PodTemplateSpec"]["properties"]) == {"metadata", "spec"}
    for place, free in FREE.items():
        for name in {name for name, where, _ in PLACES if where == place}:
            assert free <= set(schemas[name]["properties"])
