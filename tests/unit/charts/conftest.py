"""Renders the chart as helm does, once for each set of values."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import env, settings
from lab.system import LabError

REPO = Path(__file__).resolve().parents[3]
CHART = REPO / "charts" / "knowngood"
DIGEST = "sha256:" + "a" * 64
IMAGE = {"image": {"repository": "registry.local:5000/knowngood", "digest": DIGEST}}

Render = Callable[..., list[dict[str, Any]]]
Refuse = Callable[..., str]


def find_helm() -> str | None:
    """HELM, then the lab's, then the one on PATH; waits where the lab is still building it."""
    try:
        of_lab = env.load().get("HELM")
    except (OSError, LabError):
        of_lab = None
    if of_lab and not Path(of_lab).exists():
        subprocess.run([sys.executable, "-m", "lab", "helm"], cwd=REPO, check=False, timeout=900)
    cached = sorted(settings.load().bin.glob("helm-*/helm"))
    for found in (os.environ.get("HELM"), of_lab, *map(str, cached), shutil.which("helm")):
        if found and os.access(found, os.X_OK):
            return found
    return None


@pytest.fixture(scope="session")
def helm() -> str:
    found = find_helm()
    if found is None:
        pytest.skip("no helm: run `make lab`, or set HELM")
    return found


def _template(helm: str, values: dict[str, Any], arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = [helm, "template", "knowngood", str(CHART), "-n", "knowngood-system", "-f", "-", *arguments]
    return subprocess.run(
        command, input=yaml.safe_dump(values), capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="session")
def render(helm: str) -> Render:
    """Values → the rendered objects."""
    known: dict[str, str] = {}

    def rendered(values: dict[str, Any] | None = None, *arguments: str) -> list[dict[str, Any]]:
        key = json.dumps([values, arguments])
        if key not in known:
            done = _template(helm, {**IMAGE, **(values or {})}, arguments)
            assert done.returncode == 0, done.stderr
            known[key] = done.stdout
        return [found for found in yaml.load_all(known[key], yaml.CSafeLoader) if found]

    return rendered


@pytest.fixture(scope="session")
def refuse(helm: str) -> Refuse:
    """Values that must not render → what helm says."""

    def refused(values: dict[str, Any], *, with_image: bool = True) -> str:
        done = _template(helm, {**(IMAGE if with_image else {}), **values}, ())
        assert done.returncode != 0, "rendered"
        return done.stderr

    return refused
