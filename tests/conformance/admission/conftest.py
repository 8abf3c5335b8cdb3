"""One API server for all tests here, with the chart installed and its policies in force."""

from collections.abc import Iterator

import pytest

from tests.conformance import apiserver
from tests.conformance.admission import world
from tests.conformance.admission.cluster import (
    ELSEWHERE,
    MUTATING,
    SYSTEM,
    VALUES,
    WATCHED,
    Client,
    account,
    admin,
    helm_or_fail,
    install,
    path_of,
    rendered,
)
from tests.conformance.apiserver import ApiServer


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The API server, with namespaces and nothing else."""
    with apiserver.running(tmp_path_factory.mktemp("admission")) as server:
        for name in (SYSTEM, WATCHED, ELSEWHERE):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            assert admin(server).create(namespace).status == 201
        yield server


@pytest.fixture(scope="session")
def api(bare: ApiServer) -> ApiServer:
    """The API server with the world on it, and with every policy in force."""
    objects = rendered(helm_or_fail(), VALUES, MUTATING)
    install(bare, [item for item in objects if "Admission" not in item["kind"]])
    for item in (*world.OBJECTS, *world.bindings()):
        made = admin(bare).create(item)
        assert made.status == 201, made.message
    for name, status in (("digits", world.STATUS), ("ward", world.WARD)):
        path = path_of(world.model(name))
        assert admin(bare).send("PATCH", f"{path}/status", {"status": status}).status == 200
    made = admin(bare).create(world.incident("digits-0"))
    assert made.status == 201, made.message
    plan = {"status": {"plan": {"hash": world.PLAN}}}
    assert admin(bare).send("PATCH", f"{path_of(made.body)}/status", plan).status == 200
    policies = [item for item in objects if "Admission" in item["kind"]]
    # what is waited for comes last, so that all before it is known by then
    last = (".workloads", ".services", ".pods", ".jobs", ".unknown-model")
    install(bare, sorted(policies, key=lambda item: item["metadata"]["name"].endswith(last)))
    in_force(bare)
    return bare


def in_force(server: ApiServer) -> None:
    """Wait until the API server has read the policies: it looks for changes once a second."""
    operator = account(server, SYSTEM, "knowngood")
    target = path_of(world.OBJECTS[2])

    def refused() -> bool:
        answer = operator.send("PATCH", target, {"metadata": {"annotations": {"knowngood.dev/x": "y"}}}, dry_run=True)
        return "names no ModelDeployment" in answer.message

    apiserver.until(refused, "the policies")


@pytest.fixture(scope="session")
def operator(api: ApiServer) -> Client:
    """The operator, by a token of its ServiceAccount: what a thief would hold."""
    return account(api, SYSTEM, "knowngood")
