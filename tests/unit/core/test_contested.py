"""Whose revert it is: of a listed manager that alone holds every image that the pin had changed."""

import pytest

from knowngood.core.facts.gitops import ImageWriter, Keeper, Reverts
from knowngood.core.response.contested import Revert, revert_of
from knowngood.core.response.knowngood import Pin
from tests import builders as b

pytestmark = pytest.mark.unit
FLUX, EARLY, LATE = "kustomize-controller", "2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"
PINS = [Pin("model", b.image("good"))]


def found(
    *writers: tuple[str, str, str], of: tuple[str, ...] = ("model",), keepers: tuple[Keeper, ...] = ()
) -> Revert | None:
    held = tuple(ImageWriter(*writer) for writer in writers)
    return revert_of(b.workload(image_writers=held, keepers=keepers), of, PINS)


def test_it_is_named_by_the_marks() -> None:
    keepers = (
        Keeper("Application", "", "shop", Reverts.PERHAPS),
        Keeper("Kustomization", "flux-system", "models", Reverts.ALWAYS),
    )
    revert = found(("model", FLUX, EARLY), keepers=keepers)
    assert revert is not None
    assert (revert.by, revert.at) == ("Kustomization flux-system/models", EARLY)
    assert b.image("good") in revert.advice


def test_without_marks_it_is_a_kind_alone() -> None:
    revert = found(("model", FLUX, EARLY))
    assert revert is not None
    assert revert.by == "Kustomization (not known which)"


def test_of_several_containers_the_latest_counts() -> None:
    both = (("model", FLUX, LATE), ("proxy", FLUX, EARLY), ("other", "kubectl", LATE))
    revert = found(*both, of=("model", "proxy"))
    assert revert is not None
    assert revert.at == LATE


@pytest.mark.parametrize("other", ["kubectl", "kubectl-edit", "a", "z", "argocd-controller", "knowngood", "helm"])
@pytest.mark.parametrize("container", ["model", "proxy"])
def test_who_shares_one_image_makes_it_a_persons(other: str, container: str) -> None:
    writers = [("model", FLUX, EARLY), ("proxy", FLUX, EARLY), (container, other, LATE)]
    assert found(*writers, of=("model", "proxy")) is None


@pytest.mark.parametrize(
    "writers",
    [
        [],
        [("proxy", FLUX, EARLY)],
        [("model", FLUX, "")],
        [("model", "Kustomize-Controller", EARLY)],
        [("model", "before-first-apply", EARLY)],
    ],
)
def test_what_is_not_known_is_a_persons(writers: list[tuple[str, str, str]]) -> None:
    assert found(*writers) is None


def test_where_the_pin_changed_no_image_there_is_none() -> None:
    assert found(("model", FLUX, EARLY), of=()) is None


def test_an_image_that_nobody_is_known_to_hold_makes_it_a_persons() -> None:
    assert found(("model", FLUX, EARLY), of=("model", "proxy")) is None
