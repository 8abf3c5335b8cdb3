"""Who keeps an object as Git or a chart says: Flux, Argo CD and Helm, by the marks that they leave in its metadata.

Nothing is guessed: a mark that several tools share names nobody, and what a mark does not tell stays empty. Whatever
the metadata hold, nothing raises.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
HELM_FLUX = "helm.toolkit.fluxcd.io"
ARGO = "argocd.argoproj.io"
HELM = "meta.helm.sh"
REVERTERS: Mapping[str, str] = {
    "kustomize-controller": "Kustomization",
    "helm-controller": "HelmRelease",
    "argocd-controller": "Application",
    "argocd-application-controller": "Application",
}
"""Field managers that write by themselves what Git says, with the kind of object that tells them to.

`helm` is none of them: behind it stands a person or a pipeline that upgrades a release.
"""


class Reverts(Enum):
    """Whether it puts back what somebody else changed."""

    ALWAYS = "at its next reconciliation"
    PERHAPS = "the object itself does not tell"
    ON_UPGRADE = "only when somebody upgrades it"
    NEVER = "an annotation forbids it"


@dataclass(frozen=True, slots=True)
class Keeper:
    """An object by which a tool keeps another as it is written down; empty: the marks do not tell."""

    kind: str
    namespace: str
    name: str
    reverts: Reverts

    def __str__(self) -> str:
        """As people call it."""
        name = f"{self.namespace}/{self.name}" if self.namespace and self.name else self.name
        return f"{self.kind} {name}" if name else f"{self.kind} (not known which)"


@dataclass(frozen=True, slots=True)
class ImageWriter:
    """A field manager that holds the image of a container, and when it last changed what it holds, as written."""

    container: str
    manager: str
    time: str = ""


def image_writers(managed: object) -> tuple[ImageWriter, ...]:
    """Who holds the images of a workload's pod template, by `metadata.managedFields`; unreadable entries are none."""
    found = []
    for entry in _items(managed):
        manager, time = _text(entry, "manager"), _text(entry, "time")
        pod = _map(_map(_map(_map(entry, "fieldsV1"), "f:spec"), "f:template"), "f:spec")
        for list_ in ("f:containers", "f:initContainers"):
            names = (_name(key) for key, fields in _map(pod, list_).items() if _has_image(fields))
            found += [ImageWriter(name, manager, time) for name in names if name and manager]
    return tuple(found)


def _items(found: object) -> Iterator[Mapping[str, Any]]:
    for item in found if isinstance(found, list | tuple) else ():
        if isinstance(item, Mapping):
            yield item


def _map(found: object, key: str) -> Mapping[str, Any]:
    value = found.get(key) if isinstance(found, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text(found: object, key: str) -> str:
    value = found.get(key) if isinstance(found, Mapping) else None
    return value if isinstance(value, str) else ""


def _has_image(fields: object) -> bool:
    return isinstance(fields, Mapping) and "f:image" in fields


def _name(key: object) -> str:
    """The container of a key such as `k:{"name":"model"}`."""
    if not isinstance(key, str) or not key.startswith("k:"):
        return ""
    try:
        return _text(json.loads(key[2:]), "name")
    except (ValueError, RecursionError):
        return ""


def keepers(meta: object, kind: str, writers: Iterable[ImageWriter]) -> tuple[Keeper, ...]:
    """Who keeps the object of that ``kind`` with those metadata, each once; who holds an image comes first."""
    labels, annotations = _map(meta, "labels"), _map(meta, "annotations")
    found = [
        *_flux("Kustomization", KUSTOMIZE, labels, annotations),
        *_flux("HelmRelease", HELM_FLUX, labels, annotations),
        *_argo(meta, kind, labels, annotations),
    ]
    managers = {writer.manager for writer in writers}
    held = {REVERTERS[manager] for manager in managers if manager in REVERTERS}
    unnamed = sorted(held - {keeper.kind for keeper in found})
    found += [Keeper(kind_, "", "", _reverts(kind_, labels, annotations)) for kind_ in unnamed]
    found += _helm(found, annotations, "helm" in managers)
    return tuple(sorted(found, key=lambda keeper: keeper.kind not in held))


def _flux(kind: str, group: str, labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> Iterator[Keeper]:
    name = _text(labels, f"{group}/name")
    if name:
        yield Keeper(kind, _text(labels, f"{group}/namespace"), name, _reverts(kind, labels, annotations))


def _reverts(kind: str, labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> Reverts:
    """Flux reads its switches from annotations and labels alike, whatever their case."""

    def told(key: str, *values: str) -> bool:
        return any(_text(marks, key).casefold() in values for marks in (annotations, labels))

    if kind == "Kustomization":
        off = told(f"{KUSTOMIZE}/reconcile", "disabled") or told(f"{KUSTOMIZE}/ssa", "ignore", "ifnotpresent")
        return Reverts.NEVER if off else Reverts.ALWAYS
    if kind == "HelmRelease" and told(f"{HELM_FLUX}/driftDetection", "disabled"):
        return Reverts.ON_UPGRADE
    return Reverts.PERHAPS


def _argo(meta: object, kind: str, labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> Iterator[Keeper]:
    """By the tracking id, where it is this object's own and not copied from another; else by Argo CD's own label."""
    instance, _, rest = _text(annotations, f"{ARGO}/tracking-id").partition(":")
    if rest:
        own = f"/{kind}:{_text(meta, 'namespace')}/{_text(meta, 'name')}"
        if not rest.endswith(own) or not instance:
            return
    else:
        instance = _text(labels, f"{ARGO}/instance")
    if instance:
        namespace, _, name = instance.rpartition("_")
        yield Keeper("Application", namespace, name, Reverts.PERHAPS)


def _helm(others: list[Keeper], annotations: Mapping[str, Any], holds: bool) -> Iterator[Keeper]:
    """A release without anybody above it; helm-controller writes the same annotations for its HelmRelease."""
    name = _text(annotations, f"{HELM}/release-name")
    if any(k.kind == "HelmRelease" for k in others) or not (name or holds):
        return
    namespace = _text(annotations, f"{HELM}/release-namespace") if name else ""
    yield Keeper("Helm release", namespace, name, Reverts.ON_UPGRADE)
