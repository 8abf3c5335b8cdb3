"""The chart uninstalled and installed again on one API server: it judges by the workloads of today, not of then."""

from typing import Any

import pytest

from tests.conformance import apiserver
from tests.conformance.admission import world
from tests.conformance.admission.cluster import (
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
from tests.conformance.apiserver import Answer, ApiServer

pytestmark = pytest.mark.conformance
KEPT = "helm.sh/resource-policy"
MARK = {"metadata": {"annotations": {"team": "y"}}}


def workload_and_model(server: ApiServer, name: str) -> dict[str, Any]:
    """Both made, the workload with its owner's consent; the model is returned."""
    model = world.model(name)
    for item in (world.workload(name, name), model):
        made = admin(server).create(item)
        assert made.status == 201, made.message
    return model


def prove(operator: Client, model: dict[str, Any]) -> Answer:
    """The operator marks what the workload runs as proven."""
    body = {"status": {"releases": [world.release(world.RUNNING, proven=True)]}}
    return operator.send("PATCH", f"{path_of(model)}/status", body, dry_run=True)


def test_an_install_after_an_uninstall_sees_the_workloads_that_came_since(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    objects = rendered(helm_or_fail(), VALUES, MUTATING)
    policies = [item for item in objects if "Admission" in item["kind"]]
    of_release = [item for item in policies if KEPT not in item["metadata"].get("annotations", {})]
    with apiserver.running(tmp_path_factory.mktemp("again")) as server:
        for name in (SYSTEM, WATCHED):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            assert admin(server).create(namespace).status == 201
        install(server, objects)
        operator = account(server, SYSTEM, "knowngood")
        model = workload_and_model(server, "digits")
        apiserver.until(lambda: prove(operator, model).status == 200, "a release proven")
        path = path_of(world.workload("digits", "digits"))
        apiserver.until(lambda: operator.send("PATCH", path, MARK, dry_run=True).status == 403, "the policies")

        for item in of_release:
            assert admin(server).send("DELETE", path_of(item)).status == 200
        apiserver.until(lambda: operator.send("PATCH", path, MARK, dry_run=True).status == 200, "no policies")
        later = workload_and_model(server, "later")

        install(server, of_release)
        apiserver.until(lambda: operator.send("PATCH", path, MARK, dry_run=True).status == 403, "the policies again")
        last: list[Answer] = []

        def proven() -> bool:
            last.append(prove(operator, later))
            return last[-1].status == 200

        try:
            apiserver.until(proven, "a release proven", 10)
        except apiserver.NotStartedError:
            pytest.fail(last[-1].message)
