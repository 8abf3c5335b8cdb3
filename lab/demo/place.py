"""Where the demo plays: the lab, or the cluster that KUBECONFIG names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from lab.demo.cluster import CommandError
from lab.demo.images import ROOT


@dataclass(frozen=True)
class Place:
    """A cluster with a Prometheus and a registry."""

    kubeconfig: str
    prometheus_url: str
    registry: str
    kubectl: str
    helm: str
    audit_log: str
    """Path of the API server's audit log; empty where it cannot be read."""
    env: Mapping[str, str]


def place_of(values: Mapping[str, str], environ: Mapping[str, str]) -> Place:
    """The place that build/lab.env describes; CommandError names what it lacks."""
    missing = [name for name in ("KUBECONFIG", "PROMETHEUS_URL", "REGISTRY") if not values.get(name)]
    if missing:
        raise CommandError(f"build/lab.env lacks {', '.join(missing)}: run `make lab`")
    return Place(
        kubeconfig=values["KUBECONFIG"],
        prometheus_url=values["PROMETHEUS_URL"],
        registry=values["REGISTRY"],
        kubectl=values.get("KUBECTL") or "kubectl",
        helm=values.get("HELM") or "helm",
        audit_log=values.get("AUDIT_LOG", ""),
        env=environ,
    )


def _lab(command: str) -> None:
    # its progress goes to stderr, what it prints besides is for scripts
    process = [sys.executable, "-m", "lab", command]
    done = subprocess.run(process, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise CommandError(f"`python -m lab {command}` ended with {done.returncode}, see above")


def bring_up() -> Place:
    """Start the lab (or find it running) with its own progress on the terminal."""
    _lab("up")
    from lab.env import load  # late: lab.env may be written only now

    return place_of(load(), os.environ)


def await_helm() -> None:
    """Wait for helm, which may still be building while the cluster runs."""
    _lab("helm")
