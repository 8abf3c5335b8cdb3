"""The operator as people install it, by the chart in the lab, for a benchmark."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab import env as lab_env
from lab.demo.images import BUILD
from tests.e2e.cluster import Cluster, others_stopped
from tests.e2e.install import Images, built_operator, built_releases, install, uninstall


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
            releases = built_releases()
            install(env, cluster, system, built_operator(), namespaces, BUILD / "bench-values.json")
            cluster("-n", system, "rollout", "status", f"deployment/{system}", "--timeout=120s")
            yield env, cluster, releases
        finally:
            uninstall(env, cluster, system, namespaces)
