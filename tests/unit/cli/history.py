"""A policy and a history in files, and the command as a shell runs it."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner, Result

from knowngood.cli.main import app

START = 1_780_000_800.0  # a multiple of 30 minutes: 2026-05-28 20:40:00Z
EVERY = 60.0
Share = Callable[[float], float]


def signal(**changes: Any) -> dict[str, Any]:
    """The signal `accuracy`."""
    return {
        "name": "accuracy",
        "type": "ModelFailure",
        "severity": "High",
        "ratio": {"good": "right_total", "total": "answers_total", "window": "1m"},
        "detector": {"threshold": {"below": 0.9, "for": "30s", "minSamples": 100}},
        **changes,
    }


def policy(path: Path, *signals: dict[str, Any], **spec: Any) -> Path:
    """A file with the policy `quality`."""
    raw = {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": "IncidentPolicy",
        "metadata": {"name": "quality", "namespace": "vision"},
        "spec": {
            "selector": {},
            "interval": "15s",
            "identity": {"release": "release"},
            "signals": list(signals) or [signal()],
            **spec,
        },
    }
    path.write_text(yaml.safe_dump(raw))
    return path


def drop(at: float, until: float, to: float = 0.4) -> Share:
    """Right answers are few from ``at`` to ``until`` seconds after the start."""
    return lambda t: to if at < t <= until else 0.97


def windows(share: Share, hours: float = 2.0, every: float = EVERY, count: int = 400, **labels: str) -> list[list[str]]:
    """Rows of `accuracy`, one a window."""
    named = {"model": "digits", "release": "1", **labels}
    times = (every * (n + 1) for n in range(round(hours * 3600 / every)))
    return [[f"{START + t:.0f}", "accuracy", *named.values(), str(round(count * share(t))), str(count)] for t in times]


HEADER = ("timestamp", "signal", "model", "release", "hits", "count")


def values(path: Path, rows: Iterable[list[str]], header: Iterable[str] = HEADER) -> Path:
    """A file of values."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([list(header), *sorted(rows)])
    return path


def run(*words: object) -> Result:
    """`knowngood backtest …`."""
    return CliRunner().invoke(app, ["backtest", *map(str, words)])
