"""A Kubernetes without policies that write, and namespaces that opt in: what still holds, and what does not."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest

from tests.conformance import apiserver
from tests.conformance.admission import world
from tests.conformance.admission.attacks.base import containers, pod
from tests.conformance.admission.cluster import (
    ELSEWHERE,
    STRATEGIC,
    SYSTEM,
    VALUES,
    WATCHED,
    Client,
    account,
    admin,
    collection,
    helm_or_fail,
    install,
    path_of,
    person,
    rendered,
)
from tests.conformance.admission.world import RIGHTS
from tests.conformance.apiserver import Answer, ApiServer

pytestmark = pytest.mark.conformance
OPT_IN: Final = VALUES | {"rbac": {"mode": "OptIn"}}
ROLE: Final = f"{SYSTEM}:knowngood"
MODELS: Final = partial(collection, "knowngood.dev/v1alpha1", "ModelDeployment")
FREE, ORPHAN = world.workload("free", None), world.workload("orphan", "nobody")


def opting_in(namespace: str, role: str = ROLE) -> dict[str, Any]:
    """The RoleBinding of docs/how-to/opt-in-by-namespace.md."""
    return {
        "apiVersion": f"{RIGHTS}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "knowngood", "namespace": namespace},
        "roleRef": {"apiGroup": RIGHTS, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "knowngood", "namespace": SYSTEM}],
    }


@pytest.fixture(scope="module", name="older")
def _older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    objects = rendered(helm_or_fail(), OPT_IN)
    assert not [item for item in objects if item["kind"].startswith("Mutating")]
    with apiserver.running(tmp_path_factory.mktemp("older")) as server:
        for name in (SYSTEM, WATCHED, ELSEWHERE):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            assert admin(server).create(namespace).status == 201
        install(server, [item for item in objects if item["kind"] != "CustomResourceDefinition"])
        binds = world.role("binds", RIGHTS, "rolebindings", ["create"])
        for item in (binds, world.bound("head", "Role", "binds"), world.bound("head", "ClusterRole", f"{ROLE}-opt-in")):
            assert admin(server).create(item).status == 201
        yield server


def test_a_namespace_opts_in(older: ApiServer) -> None:
    """First of this module: the operator has no right in any namespace, until the namespace's admin says so."""
    operator = account(older, SYSTEM, "knowngood")
    workloads = collection("apps/v1", "Deployment", WATCHED)
    assert operator.send("GET", workloads).status == 403
    refused = person(older, "head").create(opting_in(WATCHED, "cluster-admin"))
    assert refused.status == 403
    assert person(older, "head").create(opting_in(ELSEWHERE)).status == 403
    made = person(older, "head").create(opting_in(WATCHED))
    assert made.status == 201, made.message
    apiserver.until(lambda: operator.send("GET", workloads).status == 200, "the RoleBinding")
    assert operator.send("GET", collection("apps/v1", "Deployment", ELSEWHERE)).status == 403


def test_without_the_definitions_workloads_of_others_stay_free(older: ApiServer) -> None:
    """The policy pins asks for ModelDeployments, which are not defined: it must refuse no one who did not consent."""
    assert admin(older).create(FREE).status == 201
    assert admin(older).create(ORPHAN).status == 201
    change = pod({"serviceAccountName": "x"})

    def send(item: dict[str, Any]) -> Answer:
        return admin(older).send("PATCH", path_of(item), change, STRATEGIC, dry_run=True)

    apiserver.until(lambda: "knowngood.pins" in send(ORPHAN).message, "the policies")
    assert send(FREE).status == 200


@pytest.fixture(name="operator")
def _operator(older: ApiServer) -> Client:
    """The operator, once the definitions are there and its rights are bound."""
    definitions = [item for item in rendered(helm_or_fail(), OPT_IN) if item["kind"] == "CustomResourceDefinition"]
    if older.get(MODELS()).status != 200:
        install(older, definitions)
        assert admin(older).create(world.model("digits")).status == 201
    operator = account(older, SYSTEM, "knowngood")
    fence = {"metadata": {"annotations": {"knowngood.dev/fenced-by": "x"}}}
    ready = partial(operator.send, "PATCH", path_of(ORPHAN), fence, dry_run=True)
    apiserver.until(lambda: ready().status == 200, "the policies")
    return operator


@pytest.mark.parametrize(
    ("container", "says"),
    [
        ({"image": world.TAGGED}, "not by digest"),
        ({"image": world.FOREIGN}, "not in a registry"),
        ({"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}, "plain values only"),
        ({"command": ["sh"]}, "the operator may change only image and env"),
    ],
    ids=["tag", "registry", "secret", "command"],
)
def test_what_holds_where_the_label_names_no_model(operator: Client, container: dict[str, Any], says: str) -> None:
    body = containers({"name": "model", **container})
    answer = operator.send("PATCH", path_of(ORPHAN), body, STRATEGIC, dry_run=True)
    assert answer.status == 403
    assert says in answer.message


def test_what_does_not_hold_there(operator: Client) -> None:
    """The residual risk that the threat model names: any digest of an allowed registry, and plain variables."""
    body = containers({"name": "model", "image": world.UNKNOWN, "env": [{"name": "X", "value": "y"}]})
    assert operator.send("PATCH", path_of(ORPHAN), body, STRATEGIC, dry_run=True).status == 200
