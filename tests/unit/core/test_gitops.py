"""Who keeps an object, by the marks of Flux, Argo CD and Helm; marks that tell nothing name nobody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.facts.gitops import REVERTERS, ImageWriter, Keeper, Reverts, image_writers, keepers
from knowngood.core.facts.workload import read_workload

pytestmark = pytest.mark.unit
TIME = "2026-11-23T06:00:00Z"
KUSTOMIZE, HELM, ARGO = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io", "argocd.argoproj.io"
MODELS = {f"{KUSTOMIZE}/name": "models", f"{KUSTOMIZE}/namespace": "flux-system"}
RELEASE = {f"{HELM}/name": "digits", f"{HELM}/namespace": "vision"}
HELM_MARKS = {"meta.helm.sh/release-name": "digits", "meta.helm.sh/release-namespace": "vision"}
BY_HELM = {"app.kubernetes.io/managed-by": "Helm"}


def entry(
    manager: str, *images: str, first: tuple[str, ...] = (), others: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    """An entry of managedFields as the API server writes it."""

    def fields(names: tuple[str, ...]) -> dict[str, Any]:
        with_image = {f'k:{{"name":"{n}"}}': {".": {}, "f:image": {}, "f:name": {}} for n in names}
        return with_image | {f'k:{{"name":"{n}"}}': {".": {}, "f:name": {}, "f:resources": {}} for n in others}

    spec = {"f:containers": fields(images), "f:initContainers": fields(first)}
    return {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": "apps/v1",
        "time": TIME,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": spec}}},
        **more,
    }


def meta(
    labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, *managed: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": "digits",
        "namespace": "vision",
        "labels": labels or {},
        "annotations": annotations or {},
        "managedFields": list(managed),
    }


def found(raw: dict[str, Any]) -> list[tuple[str, Reverts]]:
    writers = image_writers(raw["managedFields"])
    return [(str(k), k.reverts) for k in keepers(raw, "Deployment", writers)]


def test_who_holds_the_images_is_read_from_managed_fields() -> None:
    managed = [
        entry("kustomize-controller", "model", first=("weights",), others=("proxy",)),
        entry("kubectl-set", "proxy", time="2026-11-23T07:00:00Z"),
        entry("kube-controller-manager", subresource="status", fieldsV1={"f:status": {"f:replicas": {}}}),
    ]
    assert image_writers(managed) == (
        ImageWriter("model", "kustomize-controller", TIME),
        ImageWriter("weights", "kustomize-controller", TIME),
        ImageWriter("proxy", "kubectl-set", "2026-11-23T07:00:00Z"),
    )


def test_a_workload_knows_both() -> None:
    raw = {"kind": "Deployment", "metadata": meta(MODELS, None, entry("kustomize-controller", "model")), "spec": {}}
    workload = read_workload(raw)
    assert workload.image_writers == (ImageWriter("model", "kustomize-controller", TIME),)
    assert workload.keepers == (Keeper("Kustomization", "flux-system", "models", Reverts.ALWAYS),)


@pytest.mark.parametrize(
    ("labels", "annotations", "managers", "expected"),
    [
        ({}, {}, [], []),
        ({"app": "digits"}, {"note": "x"}, ["kubectl-client-side-apply"], []),
        (MODELS, {}, [], [("Kustomization flux-system/models", Reverts.ALWAYS)]),
        (MODELS, {f"{KUSTOMIZE}/reconcile": "disabled"}, [], [("Kustomization flux-system/models", Reverts.NEVER)]),
        (MODELS, {f"{KUSTOMIZE}/ssa": "Ignore"}, [], [("Kustomization flux-system/models", Reverts.NEVER)]),
        (MODELS | {f"{KUSTOMIZE}/ssa": "ifNotPresent"}, {}, [], [("Kustomization flux-system/models", Reverts.NEVER)]),
        (MODELS, {f"{KUSTOMIZE}/ssa": "Merge"}, [], [("Kustomization flux-system/models", Reverts.ALWAYS)]),
        (RELEASE | BY_HELM, HELM_MARKS, ["helm-controller"], [("HelmRelease vision/digits", Reverts.PERHAPS)]),
        (RELEASE, {f"{HELM}/driftDetection": "disabled"}, [], [("HelmRelease vision/digits", Reverts.ON_UPGRADE)]),
        (
            {},
            {f"{ARGO}/tracking-id": "shop:apps/Deployment:vision/digits"},
            [],
            [("Application shop", Reverts.PERHAPS)],
        ),
        (
            {},
            {f"{ARGO}/tracking-id": "argo_shop:apps/Deployment:vision/digits"},
            [],
            [("Application argo/shop", Reverts.PERHAPS)],
        ),
        ({f"{ARGO}/instance": "shop"}, {}, [], [("Application shop", Reverts.PERHAPS)]),
        (BY_HELM, HELM_MARKS, ["helm"], [("Helm release vision/digits", Reverts.ON_UPGRADE)]),
        ({}, {}, ["helm"], [("Helm release (not known which)", Reverts.ON_UPGRADE)]),
        ({}, {}, ["kustomize-controller"], [("Kustomization (not known which)", Reverts.ALWAYS)]),
        ({}, {}, ["argocd-controller"], [("Application (not known which)", Reverts.PERHAPS)]),
        ({}, {}, ["argocd-application-controller"], [("Application (not known which)", Reverts.PERHAPS)]),
    ],
)
def test_who_keeps_it(
    labels: dict[str, str], annotations: dict[str, str], managers: list[str], expected: list[tuple[str, Reverts]]
) -> None:
    assert found(meta(labels, annotations, *(entry(m, "model") for m in managers))) == expected


@pytest.mark.parametrize(
    ("labels", "annotations"),
    [
        (BY_HELM, {}),  # charts set it that Argo CD or a person renders
        ({"app.kubernetes.io/instance": "shop"}, {}),  # charts set it too
        ({}, {f"{ARGO}/tracking-id": "shop:apps/Deployment:vision/another"}),  # copied from another object
        ({}, {f"{ARGO}/tracking-id": "shop:apps/StatefulSet:vision/digits"}),
        ({}, {f"{ARGO}/tracking-id": ":apps/Deployment:vision/digits"}),
        ({f"{KUSTOMIZE}/namespace": "flux-system"}, {}),
    ],
)
def test_a_mark_that_does_not_tell_names_nobody(labels: dict[str, str], annotations: dict[str, str]) -> None:
    assert found(meta(labels, annotations)) == []


def test_who_holds_an_image_comes_first() -> None:
    annotations = {f"{ARGO}/tracking-id": "shop:apps/Deployment:vision/digits"}
    names = [name for name, _ in found(meta(MODELS, annotations, entry("argocd-controller", "model")))]
    assert names == ["Application shop", "Kustomization flux-system/models"]


def test_a_helm_release_behind_argo_cd_is_named_beside_it() -> None:
    annotations = {f"{ARGO}/tracking-id": "shop:apps/Deployment:vision/digits", **HELM_MARKS}
    names = [name for name, _ in found(meta(BY_HELM, annotations, entry("argocd-controller", "model")))]
    assert names == ["Application shop", "Helm release vision/digits"]


def test_a_person_who_upgrades_a_release_is_no_reverter() -> None:
    assert "helm" not in REVERTERS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(['k:{"name":"model"}', 'k:{"name":7}', 'k:{"name":{}}', "k:", "k:[", "k:[" * 9999, "v:1", "."])


@given(JSON, JSON, JSON, KEYS)
def test_garbage_is_nobody(labels: object, annotations: object, managed: object, key: str) -> None:
    raw = {"labels": labels, "annotations": annotations, "name": labels, "namespace": managed}
    container = {"f:template": {"f:spec": {"f:containers": {key: managed}}}}
    listed = [managed, {"manager": labels}, {"manager": "m", "fieldsV1": {"f:spec": container}}]
    for found in (managed, listed):
        writers = image_writers(found)
        assert {w.manager for w in writers} <= {"m"} | _managers(found)
        assert all(isinstance(w.container, str) and w.container for w in writers)
        assert keepers(raw, "Deployment", writers) == ()
    assert keepers(managed, "Deployment", ()) == ()


def _managers(found: object) -> set[str]:
    items = found if isinstance(found, list) else []
    return {m for i in items if isinstance(i, dict) and isinstance(m := i.get("manager"), str)}


@given(st.dictionaries(st.sampled_from([*MODELS, *RELEASE, f"{ARGO}/instance"]), JSON), st.lists(JSON, max_size=3))
def test_half_of_a_mark_never_raises(labels: dict[str, Any], managed: list[Any]) -> None:
    raw = {"labels": labels, "annotations": {f"{ARGO}/tracking-id": labels}, "managedFields": managed}
    for keeper in keepers(raw, "Deployment", image_writers(managed)):
        assert isinstance(keeper.name, str)
        assert keeper.name
