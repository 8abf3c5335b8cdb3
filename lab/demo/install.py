"""Puts the operator and the demo's manifests on the cluster."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.demo import own
from lab.demo.cluster import CommandError, Kubectl, run
from lab.demo.facts import Object
from lab.demo.images import BUILD, ROOT, Images
from lab.demo.policy import MANIFESTS

SYSTEM = "knowngood-system"
RELEASE = "knowngood"
NAMESPACE = "vision"
MODEL = "digits"
CONTAINER = "model"
UNREAD = "not yet synced to use for admission"
"""What the API server says of policies that ask for ModelDeployments, for some moments after an install."""
GIVE_UP = 3
"""Restarts after which a container is not waited for."""


class TimedOutError(RuntimeError):
    """Something that was waited for did not come; the text says what was there instead."""


def split(image: str) -> tuple[str, str]:
    """Repository and digest of a reference by digest."""
    repository, _, digest = image.partition("@")
    return repository, digest


def values(image: str, prometheus_url: str, registry: str) -> dict[str, Any]:
    """The chart's values for the demo."""
    repository, digest = split(image)
    return {
        "image": {"repository": repository, "digest": digest},
        "sources": {"default": {"url": prometheus_url}},
        "registries": {"allowed": [registry]},
    }


def overlay(image: str, base: Path, directory: Path) -> dict[str, Any]:
    """A kustomization for `directory` that puts `image` into the manifests at `base`."""
    repository, digest = split(image)
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(base, directory)],
        "images": [{"name": "digits-model", "newName": repository, "digest": digest}],
    }


def wait(what: str, seconds: float, look: Callable[[], tuple[bool, str]]) -> None:
    """Look every half second until it is so; TimedOutError tells what was last seen."""
    end = time.monotonic() + seconds
    while True:
        done, seen = look()
        if done:
            return
        if time.monotonic() > end:
            raise TimedOutError(f"{what}: not within {seconds:g} s; last seen: {seen}")
        time.sleep(0.5)


def remove_last_run(kubectl: Kubectl) -> bool:
    """Delete what an earlier demo left, and say whether there was any; does not wait. CommandError: it is no demo's."""
    if not own.exists(kubectl, NAMESPACE):
        return False
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    return True


def await_removal(kubectl: Kubectl) -> None:
    """Wait until what an earlier demo left is gone."""
    kubectl("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=120s")


def settled(deployment: Object) -> bool:
    """Whether every replica of a Deployment is of its newest template and available."""
    meta, spec, status = deployment["metadata"], deployment["spec"], deployment.get("status", {})
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    return status.get("observedGeneration", 0) >= meta["generation"] and counts == {spec.get("replicas", 1)}


def restarts(pods: list[Object]) -> dict[str, int]:
    """Restarts of each pod's containers that are not ready, together."""
    return {
        pod["metadata"]["name"]: sum(
            c["restartCount"] for c in pod.get("status", {}).get("containerStatuses", []) if not c["ready"]
        )
        for pod in pods
    }


def crashed(before: dict[str, int], now: dict[str, int]) -> bool:
    """Whether a pod ended again and again since `before`."""
    return any(count >= before.get(name, 0) + GIVE_UP for name, count in now.items())


def operator(helm: str, kubectl: Kubectl, image: str, prometheus_url: str, registry: str) -> None:
    """Install or upgrade the chart and wait for the operator; CommandError with its log if it does not come."""
    own.claim(kubectl, SYSTEM)
    BUILD.mkdir(parents=True, exist_ok=True)
    file = BUILD / "values.json"
    file.write_text(json.dumps(values(image, prometheus_url, registry), indent=2) + "\n")
    chart = str(ROOT / "charts" / "knowngood")
    # CRDs outlive a release (crds.keep), perhaps one of another name: they become this one's
    command = [helm, "upgrade", RELEASE, chart, "--install", "--namespace", SYSTEM]
    command += ["--take-ownership"]
    before = restarts(_operator_pods(kubectl))
    run(*command, "--values", str(file), env=kubectl.env)

    def look() -> tuple[bool, str]:
        if crashed(before, restarts(_operator_pods(kubectl))):
            raise CommandError(f"the operator ended {GIVE_UP} times:\n{explain(kubectl)}")
        deployment = kubectl.get("deployment", RELEASE, "-n", SYSTEM)
        return settled(deployment), json.dumps(deployment.get("status", {}))

    try:
        wait("the operator", 120, look)
    except TimedOutError as error:
        raise CommandError(f"{error}\n{explain(kubectl)}") from error


def _operator_pods(kubectl: Kubectl) -> list[Object]:
    pods: list[Object] = kubectl.get("pods", "-n", SYSTEM)["items"]
    return pods


def explain(kubectl: Kubectl) -> str:
    """The operator's pods and last log lines, for whoever must find out why it is not well."""
    parts = []
    logs = ("logs", f"deployment/{RELEASE}", "--tail=30")
    for command in (("get", "pods", "-o", "wide"), logs):
        try:
            parts.append(kubectl("-n", SYSTEM, *command))
        except CommandError as error:
            parts.append(str(error))
    return "\n".join(parts)


def model(kubectl: Kubectl, images: Images) -> None:
    """Apply manifests/demo with the good release, and wait for its pods."""
    directory = BUILD / "overlay"
    directory.mkdir(parents=True, exist_ok=True)
    content = overlay(images.good, MANIFESTS, directory)
    (directory / "kustomization.yaml").write_text(json.dumps(content, indent=2) + "\n")

    def look() -> tuple[bool, str]:
        try:
            kubectl("apply", "-k", str(directory))
        except CommandError as error:
            if UNREAD not in str(error):
                raise
            return False, str(error)
        return True, ""

    wait("the API server to read the policies' parameters", 60, look)
    for name in (MODEL, "traffic"):
        kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{name}", "--timeout=120s")
