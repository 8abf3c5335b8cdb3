"""What a person changes in Git: the patch is what the pin writes, and the words fit into a message."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.facts.gitops import Keeper, Reverts
from knowngood.core.facts.workload import Container
from knowngood.core.response import committing
from knowngood.core.response.actions import pin_known_good
from knowngood.core.response.knowngood import Pin
from tests import builders as b

pytestmark = pytest.mark.unit
KINDS = ("Kustomization", "HelmRelease", "Application", "Helm release")
PINS = [
    Pin("model", b.image("good"), (("MODEL_REVISION", "7"), ("YES", "on"), ("TEXT", 'a "b": #\n')), ("EXTRA",)),
    Pin("weights", b.image("w")),
]


def test_the_patch_for_git_is_what_the_pin_writes() -> None:
    workload = b.workload(init_containers=(Container("weights", b.image("old")),))
    made: Any = yaml.safe_load(committing.patch(workload, PINS))
    assert (made["apiVersion"], made["kind"]) == ("apps/v1", "Deployment")
    assert made["metadata"] == {"name": b.MODEL, "namespace": b.NAMESPACE}
    assert made["spec"] == pin_known_good.mutation(workload, PINS, "incident").patch["spec"]


@pytest.mark.parametrize(
    ("keeper", "expected"),
    [
        (
            Keeper("Kustomization", "flux-system", "models", Reverts.ALWAYS),
            "flux suspend kustomization models -n flux-",
        ),
        (Keeper("HelmRelease", "vision", "digits", Reverts.PERHAPS), "flux suspend helmrelease digits -n vision"),
        (Keeper("HelmRelease", "vision", "digits", Reverts.PERHAPS), "spec.driftDetection.mode is enabled"),
        (Keeper("HelmRelease", "vision", "digits", Reverts.ON_UPGRADE), "when it is upgraded next"),
        (Keeper("Application", "argocd", "shop", Reverts.PERHAPS), "argocd app set argocd/shop --sync-policy none"),
        (Keeper("Application", "", "shop", Reverts.PERHAPS), "argocd app set shop --sync-policy none"),
        (Keeper("Helm release", "vision", "digits", Reverts.ON_UPGRADE), "Commit values that render"),
        (Keeper("Kustomization", "flux-system", "models", Reverts.NEVER), "is told by an annotation to leave it"),
    ],
)
def test_it_says_when_and_how_to_pause_it(keeper: Keeper, expected: str) -> None:
    assert expected in committing.advice(keeper, b.workload(), PINS)


def test_what_may_be_secret_is_in_no_patch_that_the_record_shows() -> None:
    keeper = Keeper("Kustomization", "flux-system", "models", Reverts.ALWAYS)
    said = committing.advice(keeper, b.workload(), [Pin("model", b.image("good"), (("DB_PASSWORD", "hunter2"),))])
    assert "hunter2" not in said
    assert "commit the images of status.plan.knownGood and what spec.knownGood adds to them" in said


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_marks_do_not_name_it_no_command_is_made_up(kind: str) -> None:
    said = committing.advice(Keeper(kind, "", "", Reverts.PERHAPS), b.workload(), PINS)
    assert "Pause" not in said
    assert "Commit" in said


@given(
    st.sampled_from(KINDS), st.sampled_from(Reverts), st.integers(0, 64), st.integers(1, 900), st.text(max_size=1000)
)
def test_it_fits_into_a_message_with_a_whole_patch_or_none(
    kind: str, reverts: Reverts, number: int, length: int, value: str
) -> None:
    pins = [Pin(f"c{i}", "r/" + "i" * length, (("NAME", value),)) for i in range(number)]
    said = committing.advice(Keeper(kind, "n" * 63, "k" * 253, reverts), b.workload(), pins)
    assert len(said) <= 4096 - 700, "there is room for who did what before it"
    assert "status.plan.knownGood" in said or "kind: Deployment" in said


def test_of_a_rollout_no_patch_is_given_that_would_replace_whole_lists() -> None:
    workload = b.workload(**b.ROLLOUT)
    assert committing.patch(workload, PINS) == ""
    said = committing.advice(Keeper("Kustomization", "", "", Reverts.ALWAYS), workload, PINS)
    assert "commit the images of status.plan.knownGood" in said.replace("Commit", "commit")
