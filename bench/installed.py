"""The operator as people install it, by the chart in the lab, for a benchmark."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab import env as lab_env
from lab import images as lab_images
from lab.demo.images import BUILD, stage, stage_operator
from lab.model.releases import BAD, BETTER, GOOD
from tests.e2e.cluster import ROOT, Cluster, others_stopped

Images = tuple[str, str, str]


@contextmanager
def installed(system: str, namespaces: Sequence[str]) -> Iterator[tuple[dict[str, str], Cluster, Images]]:
    """The lab's environment and cluster, and the good, the bad and the better release of its model.

    The operator runs in the namespace ``system`` under that name, no other one does meanwhile, and it looks at fresh
    ``namespaces``. All of it is gone at the end.
    """
    subprocess.run([sys.executable, "-m", "lab", "up"], check=True, capture_output=True)
    env = lab_env.load()
    cluster = Cluster(env)
    with others_stopped(cluster, system):
        try:
            yield env, cluster, _install(env, cluster, system, namespaces)
        finally:
            _helm(env, "uninstall", system, "-n", system)
            for namespace in [*namespaces, system]:
                cluster("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")


def _install(env: dict[str, str], cluster: Cluster, system: str, namespaces: Sequence[str]) -> Images:
    context = stage(BUILD / "context")
    dockerfile = context / "model" / "Dockerfile"
    good, bad, better = (lab_images.build("digits", context, dockerfile, {"RELEASE": r}) for r in (GOOD, BAD, BETTER))
    operator = lab_images.build("knowngood-operator", stage_operator(BUILD / "operator"))
    for namespace in namespaces:
        cluster("delete", "namespace", namespace, "--ignore-not-found")
        cluster("create", "namespace", namespace)
    repository, _, digest = operator.partition("@")
    values = {
        "image": {"repository": repository, "digest": digest},
        "watch": {"namespaces": list(namespaces)},
        "sources": {"default": {"url": env["PROMETHEUS_URL"]}},
        "registries": {"allowed": [env["REGISTRY"]]},
    }
    file = BUILD / "bench-values.json"
    file.write_text(json.dumps(values))
    where = ["--install", "-n", system, "--create-namespace", "--take-ownership", "--values", str(file)]
    _helm(env, "upgrade", system, str(ROOT / "charts" / "knowngood"), *where)
    cluster("-n", system, "rollout", "status", f"deployment/{system}", "--timeout=120s")
    return good, bad, better


def _helm(env: dict[str, str], *words: str) -> None:
    subprocess.run([env["HELM"], "--kubeconfig", env["KUBECONFIG"], *words], check=True, capture_output=True)
