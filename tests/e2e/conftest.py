"""The lab with the chart's rights, an operator that can be killed, and models that can fail."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import env as lab_env
from tests.e2e.calm import NAMESPACE as CALM
from tests.e2e.calm import Calm, calm_place
from tests.e2e.cluster import RELEASE, ROOT, SYSTEM, Audit, Cluster, Operator, Place, eventually, others_stopped
from tests.e2e.faults import FaultProxy, free_port
from tests.e2e.gate import behind_a_proxy
from tests.e2e.gitops import Git
from tests.e2e.install import Images, built_operator, built_releases, install, uninstall
from tests.e2e.shown import ShownPlace
from tests.faults.proxy import Proxy

NAMESPACES = [f"e2e-{i}" for i in range(4)]
KEPT = "e2e-git"
SHOWN = ("e2e-isolate", "e2e-standby", "e2e-refused", "e2e-drift", "e2e-helm")
WATCHED = [*NAMESPACES, CALM, KEPT, *SHOWN]
USER = f"system:serviceaccount:{SYSTEM}:{RELEASE}"


@pytest.fixture(scope="session")
def env() -> dict[str, str]:
    subprocess.run([sys.executable, "-m", "lab", "up"], cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "lab", "helm"], cwd=ROOT, check=True)
    return lab_env.load()


@pytest.fixture(scope="session")
def cluster(env: dict[str, str]) -> Cluster:
    return Cluster(env)


@pytest.fixture(scope="session")
def releases(env: dict[str, str]) -> Images:
    return built_releases()


@pytest.fixture(scope="session")
def operator_image(env: dict[str, str]) -> str:
    return built_operator()


@pytest.fixture(scope="session")
def chart(
    env: dict[str, str], cluster: Cluster, operator_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The chart installed with no replica: its CRDs, ServiceAccount and Role in the namespaces of these tests."""
    values = tmp_path_factory.mktemp("chart") / "values.json"
    install(env, cluster, SYSTEM, operator_image, WATCHED, values, replicas=0)
    with others_stopped(cluster, SYSTEM):
        yield values
    uninstall(env, cluster, SYSTEM, WATCHED)


@pytest.fixture(scope="session")
def places(chart: Path, cluster: Cluster, releases: Images) -> list[Place]:
    found = [Place(cluster, namespace, *releases) for namespace in NAMESPACES]
    for place in found:
        cluster.apply(*place.objects(place.good))
    for place in found:
        place.kubectl("rollout", "status", "deployment/digits", "--timeout=120s")
    return found


@pytest.fixture(scope="session")
def proxy(env: dict[str, str]) -> Iterator[FaultProxy]:
    made = FaultProxy(env["PROMETHEUS_URL"])
    yield made
    made.stop()


@pytest.fixture(scope="session")
def operator(
    env: dict[str, str],
    cluster: Cluster,
    places: list[Place],
    proxy: FaultProxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    directory = tmp_path_factory.mktemp("operator")
    port = free_port()
    config = directory / "config.json"
    settings = {
        "sources": {"default": {"url": proxy.url, "timeout": "2s"}},
        "registries": {"allowed": [env["REGISTRY"]]},
        "watch": {"namespaces": WATCHED, "relistInterval": "30s"},
        "leaderElection": {"namespace": SYSTEM, "identity": "e2e"},
        "admission": {"policy": f"{SYSTEM}.{RELEASE}.decisions"},
        "http": {"host": "127.0.0.1", "port": port},
        "log": {"format": "console"},
    }
    config.write_text(json.dumps(settings))
    executable = shutil.which("knowngood-operator", path=str(Path(sys.executable).parent))
    assert executable
    made = Operator(executable, config, as_service_account(cluster, directory), directory / "operator.log", port)
    made.start()
    yield made
    made.stop()


def as_service_account(cluster: Cluster, directory: Path, system: str = SYSTEM) -> Path:
    """A kubeconfig that is the chart's ServiceAccount and nobody else; the release is called as its namespace."""
    token = cluster("-n", system, "create", "token", system, "--duration=2h").strip()
    raw = json.loads(cluster("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
    raw["users"] = [{"name": "operator", "user": {"token": token}}]
    raw["contexts"][0]["context"]["user"] = "operator"
    path = directory / "kubeconfig"
    path.write_text(json.dumps(raw))
    return path


@pytest.fixture(scope="session", autouse=True)
def calm(cluster: Cluster, releases: Images, operator: Operator) -> Iterator[Calm]:
    """A healthy model with a restless life, beside all other tests."""
    made = Calm(calm_place(cluster, releases))
    made.start()
    yield made
    made.stop()
    assert made.place.incidents() == []


@pytest.fixture(scope="session")
def git(cluster: Cluster, releases: Images, operator: Operator) -> Iterator[Git]:
    """A model that Git keeps on the bad release."""
    made = Git(ShownPlace(cluster, KEPT, *releases, standby=False))
    made.start()
    yield made
    made.stop()
    made.place.end()


@pytest.fixture(scope="session", autouse=True)
def beside(request: pytest.FixtureRequest) -> None:
    """What takes minutes begins with the first test, where a test waits for it at all."""
    if any("git" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("git")


@pytest.fixture
def stage(running: Operator, cluster: Cluster, releases: Images) -> Iterator[Callable[..., ShownPlace]]:
    """Makes a model under a shipped playbook, in a namespace of its own."""
    made: list[ShownPlace] = []

    def make(namespace: str, plays: str, **more: Any) -> ShownPlace:
        assert namespace in SHOWN
        made.append(ShownPlace(cluster, namespace, *releases, plays=plays, **more))
        return made[-1]

    yield make
    for place in made:
        place.end()


@pytest.fixture(scope="session", autouse=True)
def whole_audit(env: dict[str, str]) -> Audit:
    """From before the first test on."""
    return Audit(env["AUDIT_LOG"])


@pytest.fixture
def audit(env: dict[str, str]) -> Audit:
    return Audit(env["AUDIT_LOG"])


@pytest.fixture
def running(operator: Operator, proxy: FaultProxy) -> Operator:
    """The operator, alive and with a source that answers."""
    proxy.set("pass")
    if not operator.alive:
        operator.start()
    return operator


@pytest.fixture
def gate(place: Place, operator: Operator, tmp_path: Path) -> Iterator[Proxy]:
    """What stands between the operator and the API server, and can hold back one of its writes."""
    with behind_a_proxy(operator.kubeconfig, tmp_path) as (made, through):
        operator.stop()
        again = replace(operator, kubeconfig=through, process=None)
        again.start()
        try:
            yield made
        finally:
            again.stop()
            operator.start()


@pytest.fixture
def place(running: Operator, places: list[Place]) -> Place:
    """A healthy model on its good release, pinned, without an incident."""
    found = places[0]
    found.reset(found.good)
    eventually("no incident", 20, lambda: not found.incidents())
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
