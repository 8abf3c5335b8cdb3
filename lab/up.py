"""`up`: reuse the lab that runs, or clear what a dead one left and start anew."""

import fcntl
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from lab import base, cgroups, cleanup, debian, env, iptables, network, pki, ports, procs
from lab.cluster import Cluster
from lab.probes import Api
from lab.progress import say, step
from lab.settings import GATEWAY, REPO, Settings
from lab.system import LabError, require_root
from lab.tools import install
from lab.tools.catalogue import CLUSTER


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """One `up` or `down` at a time on this machine; others wait. Raises LabError where we may not."""
    path = settings.state.with_name(settings.state.name + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def values(settings: Settings, at: dict[str, int]) -> dict[str, str]:
    """What lab.env says of the lab that runs on these ports."""
    return {
        "KUBECONFIG": str(settings.kubeconfig),
        "PROMETHEUS_URL": f"http://{GATEWAY}:{at['prometheus']}",
        "REGISTRY": f"{GATEWAY}:{at['registry']}",
        "KUBECTL": str(install.kubectl(settings.cache)),
        "HELM": str(install.helm_path(settings.cache)),
        "AUDIT_LOG": str(settings.audit_log),
    }


def health(settings: Settings) -> dict[str, bool]:
    """Each recorded component and whether it lives; empty where no lab is."""
    return {name: procs.alive(one) for name, one in procs.recorded(settings.state / "pids").items()}


def running(settings: Settings) -> dict[str, int] | None:
    """The ports of a lab that was started whole, whose components all live and whose apiserver answers."""
    at = ports.remembered(settings.state / "ports.json")
    alive = health(settings)
    if at is None or not (settings.state / "complete").exists() or not alive or not all(alive.values()):
        return None
    return at if Api(settings, at["apiserver"]).ready() else None


def up(settings: Settings) -> str:
    """Have a lab running and return the text of lab.env. Raises LabError saying what is wrong."""
    require_root()
    with locked(settings):
        at = running(settings)
        if at is None:
            _prepare(settings)
            at = _start(settings)
        else:
            say("the lab of this machine runs already")
        text = env.write(values(settings, at))
    _helm_behind(settings)
    return text


def _prepare(settings: Settings) -> None:
    """Programs, packages and the base image: downloads go on while Go compiles."""
    with ThreadPoolExecutor(max_workers=2) as side:
        packages = side.submit(_packages_and_base, settings)
        kubectl = side.submit(install.kubectl, settings.cache)
        for module in CLUSTER:
            install.module(settings.cache, module)
            if packages.done():
                packages.result()
        packages.result()
        kubectl.result()


def _packages_and_base(settings: Settings) -> None:
    debian.install()
    base.fetch(settings)


def _start(settings: Settings) -> dict[str, int]:
    _clear_dead(settings)
    if iptables.kubernetes_present():
        raise LabError(
            "another Kubernetes uses this machine's iptables (KUBE-SERVICES is there);"
            " set KUBECONFIG, PROMETHEUS_URL and REGISTRY to use it"
        )
    before = cleanup.fixed_places()
    for directory in (settings.state, settings.run):
        directory.mkdir(parents=True, exist_ok=True)
    (settings.state / "fixed-places").write_text("\n".join(before))
    network.make(settings)
    cgroups.make()
    at = ports.allot(settings.state / "ports.json")
    pki.certificates(settings.pki)
    pki.kubeconfigs(settings, at["apiserver"])
    env.own(settings.kubeconfig)
    with step("cluster"):
        try:
            Cluster(settings, at).up()
        except BaseException:
            # The logs stay for whoever reads the error; the next `up` or `down` takes them away.
            cleanup.end_processes(settings)
            raise
    (settings.state / "complete").touch()
    return at


def _clear_dead(settings: Settings) -> None:
    if cleanup.exists(settings):
        dead = [name for name, lives in health(settings).items() if not lives]
        say("clearing what a lab left" + (f" (dead: {', '.join(dead)})" if dead else ""))
        cleanup.clear(settings)


def _helm_behind(settings: Settings) -> None:
    """Build helm in the background; `python -m lab helm` waits for it."""
    if install.helm_path(settings.cache).exists():
        return
    say("helm is being built in the background; `python -m lab helm` waits for it")
    argv = [sys.executable, "-m", "lab", "helm"]
    paths = {**os.environ, "PYTHONPATH": str(REPO)}
    build = procs.launch(argv, settings.logs / "helm-build.log", paths)
    procs.save(settings.state / "jobs", "helm-build", build)


def down(settings: Settings) -> None:
    """End the lab and leave nothing of it but its cache. Raises LabError without root."""
    require_root()
    with locked(settings):
        cleanup.clear(settings)
    lock = settings.state.with_name(settings.state.name + ".lock")
    lock.unlink(missing_ok=True)
    if env.FILE.exists() and str(settings.kubeconfig) in env.FILE.read_text():
        env.FILE.unlink()
