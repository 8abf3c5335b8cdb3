"""`knowngood backtest` against a real Prometheus that holds a history with an incident in it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from knowngood.cli.main import app
from tests.integration.conftest import EVERY, START, World

pytestmark = pytest.mark.integration
HOURS = 2
BEGAN, LASTED = 3600.0, 600.0  # seconds after the start


def counters(world: World, shares: Sequence[float], rate: float = 20.0, pod: str = "a", **labels: str) -> None:
    """Answers, and the right ones among them, at each scrape."""
    good, total, goods, totals = 1000.0, 1100.0, [1000.0], [1100.0]
    for share in shares:
        total += rate * EVERY
        good += round(rate * EVERY * share)
        goods.append(good)
        totals.append(total)
    world.scraped("right_total", goods, pod=pod, **labels)
    world.scraped("answers_total", totals, pod=pod, **labels)


def history(began: float | None = BEGAN, bad: float = 0.4) -> list[float]:
    """Shares of right answers, 0.97 except during the incident."""
    count = round(HOURS * 3600 / EVERY)
    times = [EVERY * (n + 1) for n in range(count)]
    return [bad if began is not None and began < t <= began + LASTED else 0.97 for t in times]


def policy(path: Path, namespace: str, **signal: Any) -> Path:
    """A policy file."""
    made = {
        "name": "accuracy",
        "type": "ModelFailure",
        "severity": "High",
        "ratio": {"good": "right_total", "total": "answers_total", "window": "1m"},
        "detector": {"threshold": {"below": 0.9, "for": "30s", "minSamples": 100}},
        **signal,
    }
    raw = {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": "IncidentPolicy",
        "metadata": {"name": "quality", "namespace": namespace},
        "spec": {"selector": {}, "interval": "15s", "identity": {"release": "release"}, "signals": [made]},
    }
    path.write_text(yaml.safe_dump(raw))
    return path


def run(*words: object) -> Result:
    """The command as a shell runs it."""
    return CliRunner().invoke(app, ["backtest", *map(str, words)])


def asked(world: World, path: Path, *words: object) -> Result:
    """About the whole history."""
    end = START + HOURS * 3600
    return run(path, "--prometheus", world.source.url, "--since", START, "--until", end, *words)


def test_finds_the_incident_at_its_time(world: World, tmp_path: Path) -> None:
    counters(world, history())
    result = asked(world, policy(tmp_path / "p.yaml", world.namespace), "-o", "json", "--incident", START + BEGAN)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    (opening,) = found["openings"]
    assert found["incidents"][0]["outcome"] == "Found"
    assert found["incidents"][0]["delaySeconds"] == 45, "one scrape shows it, and it lasts for 30s"
    assert LASTED <= opening["lengthSeconds"] <= LASTED + 240
    assert opening["model"] == "digits"
    assert opening["signals"][0]["threshold"] == "below 0.9"


def test_a_benign_history_opens_nothing(world: World, tmp_path: Path) -> None:
    counters(world, history(None))
    result = asked(world, policy(tmp_path / "p.yaml", world.namespace))
    assert result.exit_code == 0, result.output
    assert "nothing would have opened" in result.stdout
