"""What is built and installed in the lab before an operator can look after models there; for tests and benchmarks."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lab import images as lab_images
from lab.demo.images import BUILD, stage, stage_operator
from lab.demo.install import UNREAD
from lab.model.releases import BAD, BETTER, GOOD
from tests.e2e.cluster import ROOT, Cluster, eventually

Images = tuple[str, str, str]
CHART = str(ROOT / "charts" / "knowngood")


def built_releases() -> Images:
    """The images of the good, the bad and the better release of the lab's model."""
    context = stage(BUILD / "context")
    dockerfile = context / "model" / "Dockerfile"
    good, bad, better = (lab_images.build("digits", context, dockerfile, {"RELEASE": r}) for r in (GOOD, BAD, BETTER))
    return good, bad, better


def built_operator() -> str:
    """The operator's image."""
    return lab_images.build("knowngood-operator", stage_operator(BUILD / "operator"))


def helm(env: Mapping[str, str], *words: str) -> None:
    """Run helm; AssertionError with what it said where it fails."""
    command = [env["HELM"], "--kubeconfig", env["KUBECONFIG"], *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"helm {' '.join(words)}: {done.stderr}"


def install(
    env: Mapping[str, str],
    cluster: Cluster,
    system: str,
    image: str,
    namespaces: Sequence[str],
    values: Path,
    **more: Any,
) -> None:
    """Install the chart as ``system`` in the namespace of that name, for fresh ``namespaces``; ``values`` keeps its
    values, ``more`` among them."""
    for namespace in namespaces:
        cluster("delete", "namespace", namespace, "--ignore-not-found")
        cluster("create", "namespace", namespace)
    repository, _, digest = image.partition("@")
    content = {
        "image": {"repository": repository, "digest": digest},
        "watch": {"namespaces": list(namespaces)},
        "sources": {"default": {"url": env["PROMETHEUS_URL"]}},
        "registries": {"allowed": [env["REGISTRY"]]},
        **more,
    }
    values.write_text(json.dumps(content))
    where = ["--install", "--namespace", system, "--create-namespace", "--take-ownership", "--values", str(values)]
    helm(env, "upgrade", system, CHART, *where)
    for namespace in namespaces:
        eventually(f"deployments admitted in {namespace}", 60, partial(admits, cluster, namespace))


def admits(cluster: Cluster, namespace: str) -> bool:
    """Whether a consenting owner's workload is let in: not before the API server has read the policies' parameters."""
    labels = {"knowngood.dev/model": "digits"}
    container = {"name": "model", "image": f"digits@sha256:{'0' * 64}"}
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "admitted", "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    done = cluster.run("create", "--dry-run=server", "-f", "-", stdin=json.dumps(workload))
    assert done.returncode == 0 or UNREAD in done.stderr, done.stderr
    return done.returncode == 0


def uninstall(env: Mapping[str, str], cluster: Cluster, system: str, namespaces: Sequence[str]) -> None:
    """Take all of it away; namespaces go by themselves."""
    helm(env, "uninstall", system, "--namespace", system)
    for namespace in [*namespaces, system]:
        cluster("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
