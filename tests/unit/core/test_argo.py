"""A Rollout as its API gives it: counted as a Deployment, and what it waits for."""

from typing import Any

import pytest

from knowngood.api.conditions import Reason
from knowngood.core.facts import argo, rollout
from knowngood.core.facts.workload import Workload, read_workload
from knowngood.core.response.ground import obstacle
from tests import builders as b

pytestmark = pytest.mark.unit
STATUS = {"observedGeneration": "7", "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "phase": "Healthy"}


def read(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None) -> Workload:
    labels = {"knowngood.dev/model": b.MODEL}
    container = {"name": b.CONTAINER, "image": b.image("bad")}
    base = {
        "replicas": 2,
        "selector": {"matchLabels": {"app": b.MODEL}},
        "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"pause": {"duration": "5m"}}]}},
        "template": {"spec": {"containers": [container]}},
    }
    meta = {"name": b.MODEL, "namespace": b.NAMESPACE, "uid": b.WORKLOAD_UID, "generation": 7, "labels": labels}
    return read_workload(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {**meta, "resourceVersion": "100"},
            "spec": b.merged(base, spec or {}),
            "status": {**STATUS, **(status or {})},
        }
    )


def paused(reason: str, step: int = 1) -> dict[str, Any]:
    return {"pauseConditions": [{"reason": reason}], "currentStepIndex": step, "controllerPause": True}


def blue_green(**fields: Any) -> dict[str, Any]:
    return {"strategy": {"canary": None, "blueGreen": fields}}


BY_HAND = blue_green(autoPromotionEnabled=False)


def test_it_is_settled_when_its_controller_has_seen_and_replaced_all() -> None:
    found = read()
    assert (found.images, found.settled, found.waits, found.elsewhere) == ({b.CONTAINER: b.image("bad")}, True, "", "")
    assert not read(status={"observedGeneration": "6"}).settled
    assert not read(status={"updatedReplicas": 1}).settled


@pytest.mark.parametrize("seen", ["", None, "6f9c7d5b", "-1", "٧"])
def test_a_generation_that_is_no_number_is_none(seen: Any) -> None:
    assert read(status={"observedGeneration": seen}).observed_generation == 0


@pytest.mark.parametrize(
    ("spec", "status", "says"),
    [
        ({}, paused("CanaryPauseStep"), f"waits at canary step 2 of 3, a pause without an end: {argo.PROMOTE}"),
        ({}, paused("CanaryPauseStep", 2), ""),
        ({}, paused("CanaryPauseStep", 3), ""),
        ({}, paused("InconclusiveAnalysisRun"), f"waits for a person (InconclusiveAnalysisRun): {argo.PROMOTE}"),
        ({}, {"abort": True, "message": "metric x failed"}, f"is aborted (metric x failed): {argo.RETRY}"),
        (
            blue_green(autoPromotionEnabled=False),
            paused("BlueGreenPause"),
            f"waits for a person (BlueGreenPause): {argo.PROMOTE}",
        ),
        (blue_green(autoPromotionEnabled=False, autoPromotionSeconds=9), paused("BlueGreenPause"), ""),
        (blue_green(), paused("BlueGreenPause"), ""),
    ],
)
def test_what_it_waits_for_is_said_where_only_a_person_ends_it(
    spec: dict[str, Any], status: dict[str, Any], says: str
) -> None:
    assert read(spec, status).waits == says


def test_what_holds_a_pin_up_names_the_command() -> None:
    stale = [b.pod("digits-a")]
    said = rollout.held(read(status=paused("CanaryPauseStep")), stale)
    assert said.endswith("a pause without an end: kubectl argo rollouts promote --full digits -n vision")
    assert rollout.held(read(status=paused("CanaryPauseStep")), []) == ""


def test_its_controllers_word_on_a_bad_spec_is_a_problem() -> None:
    said = {"type": "InvalidSpec", "status": "True", "reason": "InvalidSpec", "message": "spec.strategy: missing"}
    assert read(status={"conditions": [said]}).problem == "InvalidSpec: spec.strategy: missing"


def test_a_template_that_another_object_holds_is_refused() -> None:
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits"}
    found = read({"template": None, "workloadRef": ref, "replicas": None})
    assert (found.elsewhere, found.containers, found.replicas) == ("Deployment digits", (), 1)
    refused = obstacle(b.facts(model=b.model({"workloadRef": b.ROLLOUT_REF}), workload=found).ground)
    assert refused is not None
    assert refused.reason is Reason.NOT_SUPPORTED
    assert "write spec.template" in refused.message
