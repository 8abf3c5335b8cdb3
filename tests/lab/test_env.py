"""lab.env, and a cluster of the user's own."""

import subprocess
from pathlib import Path

import pytest

from lab import env, external, settings
from lab.system import LabError

VALUES = {
    "KUBECONFIG": "/s/kube config",
    "PROMETHEUS_URL": "http://10.222.0.1:29090",
    "REGISTRY": "10.222.0.1:25000",
    "KUBECTL": "/c/kubectl-1/kubectl",
    "HELM": "/c/helm-4/helm",
}


def test_what_is_written_is_loaded(tmp_path: Path) -> None:
    env.write(VALUES, tmp_path / "build" / "lab.env")
    assert env.load(tmp_path / "build" / "lab.env") == VALUES


def test_a_shell_reads_it_too(tmp_path: Path) -> None:
    env.write(VALUES, tmp_path / "lab.env")
    script = f'. {tmp_path}/lab.env; printf "%s|%s" "$KUBECONFIG" "$PATH"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.startswith("/s/kube config|/c/helm-4:/c/kubectl-1:/")


def test_no_lab_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="python -m lab up"):
        env.load(tmp_path / "absent")


def test_only_a_foreign_kubeconfig_stops_the_lab() -> None:
    own = Path("/s/kubeconfig")
    assert external.wanted({"KUBECONFIG": "/home/x/.kube/config"}, own)
    assert not external.wanted({"KUBECONFIG": "/s/kubeconfig"}, own)
    assert not external.wanted({"KUBECONFIG": ""}, own)
    assert not external.wanted({}, own)


def test_a_foreign_cluster_needs_its_prometheus_and_registry_named() -> None:
    with pytest.raises(LabError) as error:
        external.values({"KUBECONFIG": "/k", "REGISTRY": "r:5000"}, settings.load({"HOME": "/home/x"}))
    assert "PROMETHEUS_URL" in str(error.value)
    assert "REGISTRY:" not in str(error.value)
