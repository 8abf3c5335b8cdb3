"""What is in quarantine is rolled out by nobody, until somebody who may patch the workload lifts it."""

from typing import Any

import pytest

from tests.conformance.admission import world
from tests.conformance.admission.acting import Acting
from tests.conformance.admission.attacks.base import WARD, containers, pod
from tests.conformance.admission.cluster import STRATEGIC, Client, admin, path_of, person
from tests.conformance.admission.world import GOOD, QUARANTINED_IMAGE, RUNNING, TAGGED, model
from tests.conformance.apiserver import Answer, ApiServer, until

pytestmark = pytest.mark.conformance


def rolled(api: ApiServer, patch: dict[str, Any], path: str = WARD) -> Answer:
    return admin(api).send("PATCH", path, patch, STRATEGIC, dry_run=True)


def test_nobody_rolls_it_out(api: ApiServer) -> None:
    for body in (
        containers({"name": "model", "image": QUARANTINED_IMAGE}),
        containers({"name": "proxy", "image": QUARANTINED_IMAGE}),
        pod({"initContainers": [{"name": "first", "image": QUARANTINED_IMAGE}]}),
    ):
        answer = rolled(api, body)
        assert answer.status == 403
        assert f"{QUARANTINED_IMAGE}: in quarantine (status of ModelDeployment ward)" in answer.message
        assert "spec.quarantine.lift" in answer.message


def test_nor_a_tag_that_may_mean_it(api: ApiServer) -> None:
    answer = rolled(api, containers({"name": "model", "image": TAGGED}))
    assert answer.status == 403
    assert f"{TAGGED}: a tag may mean what is in quarantine" in answer.message


def test_another_digest_is_free_and_so_is_all_else(api: ApiServer) -> None:
    """The proxy of this workload runs by a tag, and stays."""
    for body in (
        containers({"name": "model", "image": GOOD}),
        containers({"name": "model", "command": ["sh"]}),
        {"spec": {"replicas": 3}},
        {"metadata": {"annotations": {"team": "other"}}},
    ):
        answer = rolled(api, body)
        assert answer.status == 200, answer.message


def test_workloads_of_other_models_are_free(api: ApiServer) -> None:
    for name in ("free", "digits", "digits-standby"):
        body = containers({"name": "model", "image": QUARANTINED_IMAGE})
        assert rolled(api, body, path_of(world.workload(name, None))).status == 200


def test_the_workload_made_anew_is_refused_too(api: ApiServer) -> None:
    made = world.workload("ward", "ward")
    made["spec"]["template"]["spec"]["containers"][0]["image"] = QUARANTINED_IMAGE
    answer = admin(api).create(made, dry_run=True)
    assert "in quarantine" in answer.message


def test_lifting_takes_who_may_patch_the_workload(api: ApiServer) -> None:
    spec = {"spec": {"quarantine": {"lift": [world.QUARANTINED["digest"]]}}}
    answer = person(api, "editor").send("PATCH", path_of(model("digits")), spec, dry_run=True)
    assert answer.status == 403
    assert "spec.quarantine: editor may not patch Deployment digits" in answer.message
    assert person(api, "owner").send("PATCH", path_of(model("digits")), spec, dry_run=True).status == 200


def test_the_operators_own_write_and_a_persons_lift(api: ApiServer, operator: Client) -> None:
    """QuarantineDigest's own patch; then the suspect is refused, until it is lifted."""
    name = "sick"
    for item in (world.workload(name, name), model(name)):
        assert admin(api).create(item).status == 201
    path = path_of(world.workload(name, None))
    act = Acting(operator, name, {"name": "refuse", "action": "QuarantineDigest"}, path, suspect=RUNNING)
    body = containers({"name": "model", "image": GOOD})
    assert admin(api).send("PATCH", path, body, STRATEGIC).status == 200
    again = containers({"name": "model", "image": RUNNING})
    assert rolled(api, again, path).status == 200
    act.write()
    until(lambda: "in quarantine" in rolled(api, again, path).message, "the quarantine", 10)
    lift = {"spec": {"quarantine": {"lift": [RUNNING.split("@")[1]]}}}
    assert admin(api).send("PATCH", path_of(model(name)), lift).status == 200
    until(lambda: rolled(api, again, path).status == 200, "the lift", 10)
    cleared = operator.send("PATCH", f"{path_of(model(name))}/status", {"status": {"quarantined": []}})
    assert cleared.status == 200, cleared.message
