"""A GitOps manager that always puts the bad release back: three more writes, then `Contested`, with what to commit."""

import pytest
import yaml

from tests.e2e.cluster import Audit, condition
from tests.e2e.conftest import USER
from tests.e2e.gitops import PATIENCE, Git

PAUSES = 10 + 60 + 300  # seconds
MOST = 3  # times that a pin is written again


@pytest.mark.usefixtures("running")  # the test before may have ended it
def test_it_is_fought_three_times_then_contested_and_the_patch_for_git_ends_it(git: Git, whole_audit: Audit) -> None:
    place = git.place
    git.wait_for("contested", PATIENCE + PAUSES + 120, lambda: _reason(git) == "Contested")
    assert len(whole_audit.pins(place.namespace, USER)) == 1 + MOST
    found = place.incident()
    assert found
    assert found["status"]["phase"] == "ContainmentFailed"
    assert condition(found["status"], "Contained")["reason"] == "Contested"
    said = condition(found["status"], "Contested")["message"]
    assert said.startswith("Kustomization flux-system/models put the old images back after it was written again 3 ")
    patch = yaml.safe_load(said[said.index("apiVersion:") :])
    (container,) = patch["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "model", "image": place.good}
    assert {"ContainmentReverted", "ContainmentContested"} <= set(place.told())
    git.commit(container["image"])
    git.wait_for("contained by the commit", 120, lambda: place.in_phase("Contained"))
    assert len(whole_audit.pins(place.namespace, USER)) == 1 + MOST
    git.stop()
    place.end()


def _reason(git: Git) -> str:
    found = git.place.incident()
    contested = condition((found or {}).get("status", {}), "Contested")
    return str(contested.get("reason", "")) if contested.get("status") == "True" else ""
