"""Rollouts, where they are watched: guarded as Deployments are, and written by operations on what was read."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from knowngood.core.response.jsonpatch import operations
from tests.conformance import apiserver
from tests.conformance.admission import world
from tests.conformance.admission.attacks.base import containers
from tests.conformance.admission.cluster import (
    MERGE,
    MUTATING,
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
from tests.conformance.admission.world import GOOD, LABEL, PROVEN, QUARANTINED_IMAGE, RUNNING, UNKNOWN, release
from tests.conformance.apiserver import Answer, ApiServer

pytestmark = pytest.mark.conformance
ARGO: Final = "argoproj.io/v1alpha1"
OPERATIONS: Final = "application/json-patch+json"
PAUSED_BY: Final = "knowngood.dev/paused-by"
SCALED: Final = "knowngood.dev/replaced-replicas"
ANY: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
DEFINITION: Final = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "rollouts.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {"kind": "Rollout", "plural": "rollouts"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": ANY, "status": ANY}}},
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.HPAReplicas"},
                },
            }
        ],
    },
}


def rollout(name: str, model: str | None) -> dict[str, Any]:
    """A Rollout with the template of the other workloads."""
    made = world.workload(name, model)
    made["spec"]["strategy"] = {"canary": {"steps": [{"setWeight": 20}]}}
    return {**made, "apiVersion": ARGO, "kind": "Rollout"}


def borrowing(name: str, model: str) -> dict[str, Any]:
    """A Rollout whose pod template a Deployment holds."""
    made = rollout(name, model)
    del made["spec"]["template"]
    made["spec"]["workloadRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return made


def model(name: str) -> dict[str, Any]:
    made = world.model(name)
    made["spec"]["workloadRef"] = {"apiVersion": ARGO, "kind": "Rollout", "name": name}
    return made


def path(name: str) -> str:
    return f"/apis/{ARGO}/namespaces/{WATCHED}/rollouts/{name}"


STATUS: Final = {
    "digits": {"releases": [release(PROVEN, proven=True)]},
    "ward": world.WARD,
    "borrower": {"quarantined": [world.QUARANTINED]},
}


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    values = {**VALUES, "watch": {**VALUES["watch"], "rollouts": True}}
    objects = rendered(helm_or_fail(), values, MUTATING, f"{ARGO}/Rollout")
    with apiserver.running(tmp_path_factory.mktemp("rollouts")) as server:
        for name in (SYSTEM, WATCHED):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            assert admin(server).create(namespace).status == 201
        install(server, [DEFINITION, *(item for item in objects if "Admission" not in item["kind"])])
        rollouts = [rollout("digits", "digits"), rollout("free", None), rollout("orphan", "nobody")]
        rollouts += [rollout("impostor", "digits"), rollout("ward", "ward"), borrowing("borrower", "borrower")]
        for item in rollouts:
            made = admin(server).send("POST", f"/apis/{ARGO}/namespaces/{WATCHED}/rollouts", item)
            assert made.status == 201, made.message
        for name, status in STATUS.items():
            assert admin(server).create(model(name)).status == 201
            assert admin(server).send("PATCH", f"{path_of(model(name))}/status", {"status": status}).status == 200
        patches = world.role("patches-digits", "argoproj.io", "rollouts", ["patch"], resourceNames=["digits"])
        for item in (patches, world.bound("owner", "Role", "patches-digits")):
            assert admin(server).create(item).status == 201
        for who in ("owner", "editor"):
            assert admin(server).create(world.bound(who, "ClusterRole", "knowngood-editor")).status == 201
        policies = [item for item in objects if "Admission" in item["kind"]]
        install(server, sorted(policies, key=lambda item: item["metadata"]["name"].endswith((".workloads", "-model"))))
        operator = account(server, SYSTEM, "knowngood")
        body = {"metadata": {"annotations": {"knowngood.dev/x": "y"}}}
        apiserver.until(
            lambda: "names no ModelDeployment" in operator.send("PATCH", path("orphan"), body, dry_run=True).message,
            "the policies",
        )
        yield server


@pytest.fixture(name="thief")
def _thief(server: ApiServer) -> Client:
    """The operator's account."""
    return account(server, SYSTEM, "knowngood")


def operated(client: Client, name: str, patch: dict[str, Any], version: str | None = None) -> Answer:
    """The patch as operations on what is there, as the operator sends them."""
    found = client.send("GET", path(name)).body
    held = [
        {"op": "test", "path": "/metadata/uid", "value": found["metadata"]["uid"]},
        {"op": "test", "path": "/metadata/resourceVersion", "value": version or found["metadata"]["resourceVersion"]},
    ]
    return client.send("PATCH", path(name), [*held, *operations(found, patch)], OPERATIONS, dry_run=True)


def pinned(image: str, **more: Any) -> dict[str, Any]:
    return containers({"name": "model", "image": image, **more})


@pytest.mark.parametrize("image", [GOOD, PROVEN], ids=["pinned", "proven"])
def test_the_operator_puts_a_container_on_an_image(thief: Client, image: str) -> None:
    body = {**pinned(image), "metadata": {"annotations": {"knowngood.dev/pinned-by": "digits-0"}}}
    answer = operated(thief, "digits", body)
    assert answer.status == 200, answer.message
    assert answer.body["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert answer.body["spec"]["strategy"], "all else stays"
    assert "knowngood.dev/unknown-model" not in answer.body["metadata"]["annotations"]


def test_variables_go_back_with_the_image(thief: Client) -> None:
    env = [{"name": "MODEL_REVISION", "value": "7"}, {"name": "EMPTY", "value": ""}]
    answer = operated(thief, "digits", pinned(GOOD, env=[*env, {"name": "DEBUG", "$patch": "delete"}]))
    assert answer.status == 200, answer.message
    found = {e["name"] for e in answer.body["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert found == {"MODEL_REVISION", "EMPTY", "TOKEN"}


def test_what_was_read_before_somebody_wrote_is_refused(thief: Client) -> None:
    assert operated(thief, "digits", pinned(GOOD), version="1").status == 422


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"annotations": {PAUSED_BY: "digits-0"}}, "spec": {"paused": True}},
        {"metadata": {"annotations": {SCALED: "2"}}, "spec": {"replicas": 0}},
        {"metadata": {"annotations": {"knowngood.dev/fenced-by": "term-2"}}},
    ],
    ids=["paused", "scaled", "fenced"],
)
def test_the_operator_holds_scales_and_fences(thief: Client, body: dict[str, Any]) -> None:
    assert operated(thief, "digits", body).status == 200
    assert thief.send("PATCH", path("digits"), body, MERGE, dry_run=True).status == 200


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("digits", pinned(UNKNOWN), "ModelDeployment digits neither pins nor has proven that"),
        ("digits", pinned(world.TAGGED), "digits:latest: "),  # two policies refuse it, in no order
        ("digits", pinned(RUNNING, command=["sh"]), "may change only image and env"),
        ("digits", {"spec": {"strategy": {"canary": {"steps": []}}}}, "spec.strategy: the operator may change only"),
        ("digits", {"spec": {"restartAt": "2026-11-23T06:00:00Z"}}, "spec.restartAt"),
        ("digits", {"spec": {"workloadRef": {"name": "x"}}}, "spec.workloadRef"),
        ("digits", {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}}, "spec.template.metadata"),
        ("digits", {"spec": {"replicas": 7}}, "may only scale to 0"),
        ("digits", {"spec": {"paused": True}}, "may only hold roll-outs with the annotation"),
        ("digits", {"metadata": {"labels": {LABEL: "ward"}}}, "metadata.labels"),
        ("free", pinned(GOOD), "the owner has not consented"),
        ("orphan", pinned(GOOD), "names no ModelDeployment"),
        ("impostor", pinned(GOOD), "that ModelDeployment is served by Rollout digits"),
    ],
)
def test_what_is_not_the_operators_is_refused(thief: Client, name: str, body: dict[str, Any], says: str) -> None:
    answer = operated(thief, name, body)
    assert answer.status in {403, 422}
    assert says in answer.message


def test_a_rollout_without_a_template_is_not_the_operators_at_all(thief: Client) -> None:
    answer = operated(thief, "borrower", {"metadata": {"annotations": {"knowngood.dev/x": "y"}}})
    assert answer.status >= 400
    assert operated(thief, "borrower", {"spec": {"template": {"spec": {"containers": []}}}}).status >= 400


@pytest.mark.parametrize("sub", ["status", "scale"])
def test_subresources_and_deletion_are_refused(thief: Client, sub: str) -> None:
    assert thief.send("PATCH", f"{path('digits')}/{sub}", {"status": {"promoteFull": True}}).status == 403
    assert thief.send("DELETE", path("digits")).status == 403
    assert thief.send("POST", f"/apis/{ARGO}/namespaces/{WATCHED}/rollouts", rollout("x", "digits")).status == 403


def test_nobody_rolls_out_what_is_in_quarantine(server: ApiServer) -> None:
    answer = operated(admin(server), "ward", pinned(QUARANTINED_IMAGE))
    assert answer.status == 403
    assert "in quarantine (status of ModelDeployment ward)" in answer.message
    assert operated(admin(server), "ward", pinned(GOOD)).status == 200
    assert operated(admin(server), "digits", pinned(QUARANTINED_IMAGE)).status == 200
    free = {"spec": {"replicas": 3}}
    assert operated(admin(server), "borrower", free).status == 200, "a template elsewhere is nothing to look at"


def test_only_what_it_runs_is_marked_as_proven(thief: Client) -> None:
    def marked(image: str, name: str = "digits") -> Answer:
        found = {"status": {"releases": [*STATUS["digits"]["releases"], release(image, proven=True)]}}
        return thief.send("PATCH", f"{path_of(model(name))}/status", found, dry_run=True)

    assert marked(RUNNING).status == 200, marked(RUNNING).message
    assert "Rollout digits does not run that" in marked(UNKNOWN).message
    assert "does not run that" in marked(RUNNING, "borrower").message


def test_whoever_names_a_rollout_may_patch_it(server: ApiServer) -> None:
    fresh = {**model("digits"), "metadata": {"name": "fresh", "namespace": WATCHED}}
    del fresh["spec"]["flags"]
    where = collection("knowngood.dev/v1alpha1", "ModelDeployment", WATCHED)
    refused = person(server, "editor").send("POST", where, fresh, dry_run=True)
    assert refused.status == 403
    assert "editor may not patch Rollout digits" in refused.message
    assert person(server, "owner").send("POST", where, fresh, dry_run=True).status == 201
