"""`knowngood backtest` against a real Prometheus that holds a history with an incident in it."""

import asyncio
import csv
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.cli.backtest.local import VARIABLE
from knowngood.cli.main import app
from knowngood.core.facts.clock import parse_time
from knowngood.core.signals.compiled import compile_policy
from knowngood.shell.replay.history import History
from knowngood.shell.settings import Source
from knowngood.shell.sources import PrometheusSource
from tests.conformance.apiserver import binary
from tests.integration.conftest import EVERY, START, Value, World

pytestmark = pytest.mark.integration
HOURS = 2.0
BEGAN, LASTED = 3600.0, 600.0  # seconds after the start
Share = Callable[[float], float]
RATIO = {"good": "right_total", "total": "answers_total", "window": "1m"}


def drop(t: float) -> float:
    """The share of right answers: bad during the incident."""
    return 0.4 if BEGAN < t <= BEGAN + LASTED else 0.97


def steady(t: float) -> float:
    """Benign, and never twice the same."""
    return 0.97 + 0.004 * ((t / EVERY * 7) % 5 - 2)


def counters(
    world: World, share: Share, since: float = 0.0, until: float = HOURS * 3600, rate: float = 20.0, **labels: str
) -> None:
    """Answers, and the right ones among them, at each scrape of a pod that is there for a while."""
    first = 1000.0 if since == 0 else 0.0
    goods: list[Value] = [first]
    totals: list[Value] = [first * 1.1]
    good, total = first, first * 1.1
    for number in range(round((until - since) / EVERY)):
        total += rate * EVERY
        good += round(rate * EVERY * share(since + (number + 1) * EVERY))
        goods.append(good)
        totals.append(total)
    ended: list[Value] = [None] if until < HOURS * 3600 else []
    for name, values in (("right_total", goods), ("answers_total", totals)):
        world.scraped(name, [*values, *ended], first=since, **labels)


def policy(path: Path, namespace: str, *signals: dict[str, Any], **spec: Any) -> Path:
    """A policy file."""
    accuracy = {"name": "accuracy", "ratio": RATIO, "detector": {"threshold": {"below": 0.9, "for": "30s"}}}
    made = [{"type": "ModelFailure", "severity": "High", **s} for s in signals or (accuracy,)]
    raw = {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": "IncidentPolicy",
        "metadata": {"name": "quality", "namespace": namespace},
        "spec": {"selector": {}, "interval": "15s", "identity": {"release": "release"}, "signals": made, **spec},
    }
    path.write_text(yaml.safe_dump(raw))
    return path


def run(*words: object) -> Result:
    """The command as a shell runs it."""
    return CliRunner().invoke(app, ["backtest", *map(str, words)])


def asked(world: World, path: Path, *words: object) -> Any:
    """The answer about the whole history."""
    end = START + HOURS * 3600
    result = run(path, "--prometheus", world.source.url, "--since", START, "--until", end, "-o", "json", *words)
    assert result.exit_code in (0, 1), result.stderr
    return json.loads(result.stdout)


class TestThreshold:
    def test_finds_the_incident_at_its_time(self, world: World, tmp_path: Path) -> None:
        counters(world, drop)
        found = asked(world, policy(tmp_path / "p.yaml", world.namespace), "--incident", START + BEGAN)
        (opening,) = found["openings"]
        assert found["incidents"][0]["outcome"] == "Found"
        assert found["incidents"][0]["delaySeconds"] == 45, "one scrape shows it, and it lasts for 30s"
        assert opening["lengthSeconds"] == 720, "ten minutes, until the window is healthy, and two more"
        assert (opening["model"], opening["release"]) == ("digits", "1")
        assert opening["signals"][0]["threshold"] == "below 0.9"
        assert found["asExpected"] is True

    def test_a_benign_history_opens_nothing(self, world: World, tmp_path: Path) -> None:
        counters(world, steady)
        assert asked(world, policy(tmp_path / "p.yaml", world.namespace))["openings"] == []

    def test_an_outage_of_what_is_scraped_opens_nothing(self, world: World, tmp_path: Path) -> None:
        counters(world, steady, until=3000)
        counters(world, steady, since=3900, pod="b")
        found = asked(world, policy(tmp_path / "p.yaml", world.namespace))
        assert found["openings"] == []
        assert found["signals"][0]["seconds"]["Empty"] > 600

    def test_unless_the_policy_calls_that_an_incident(self, world: World, tmp_path: Path) -> None:
        counters(world, steady, until=3000)
        counters(world, steady, since=3900, pod="b")
        no_data = {"action": "Incident", "for": "5m"}
        detector = {"threshold": {"below": 0.9}}
        accuracy = {"name": "accuracy", "ratio": RATIO, "detector": detector, "noData": no_data}
        (opening,) = asked(world, policy(tmp_path / "p.yaml", world.namespace, accuracy))["openings"]
        assert opening["signals"][0]["reason"] == "NoData"


class TestReleases:
    def test_a_bad_release_is_judged_apart_from_late_labels_of_the_one_before(
        self, world: World, tmp_path: Path
    ) -> None:
        counters(world, steady, until=3600, pod="a")
        counters(world, lambda _: 0.3, since=3600, pod="b", release="2")
        counters(world, steady, since=3600, until=4500, pod="b", release="1", rate=5.0)
        found = asked(world, policy(tmp_path / "p.yaml", world.namespace), "--incident", START + 3600)
        assert [o["release"] for o in found["openings"]] == ["2"]
        assert found["incidents"][0]["delaySeconds"] <= 60

    def test_pods_of_a_replica_set_stand_for_a_release_where_no_label_does(self, world: World, tmp_path: Path) -> None:
        world.scraped("up", [1.0] * 500, pod="other", model="", release="")
        counters(world, steady, until=3600, pod="digits-5d4f8c7b9-abcde", release="")
        counters(world, lambda _: 0.3, since=3600, until=5400, pod="digits-66b9c5d7f8-fghij", release="")
        counters(world, steady, since=5400, pod="digits-7c9d8b6f5-klmno", release="")
        found = asked(world, policy(tmp_path / "p.yaml", world.namespace, identity={"model": "model"}))
        (opening,) = found["openings"]
        assert 3600 < _after(opening["openedAt"]) <= 3700
        assert 5400 < _after(opening["endedAt"]) <= 5700, "another release mends it"


def _after(text: str) -> float:
    """Seconds after the start."""
    return (parse_time(text) or 0.0) - START


CHANGE = {"name": "decay", "ratio": RATIO, "detector": {"change": {"direction": "Down", "falseAlarmEvery": "1d"}}}


class TestLearning:
    def test_learns_first_and_then_finds_a_small_shift(self, world: World, tmp_path: Path) -> None:
        counters(world, lambda t: steady(t) - (0.015 if t > 5400 else 0.0))
        path = policy(tmp_path / "p.yaml", world.namespace, CHANGE, learning={"windows": 50})
        found = asked(world, path, "--incident", START + 5400, "--sweep", "falseAlarmEvery=1h,1d,7d")
        assert 51 * 60 <= _after(found["signals"][0]["armedAt"]) <= 54 * 60
        assert found["incidents"][0]["outcome"] == "Found"
        delays = [v["meanDelaySeconds"] for v in found["sweep"]["values"]]
        assert delays == sorted(delays)
        assert delays[0] < delays[-1], "who wants fewer false alarms waits longer"

    def test_a_history_too_short_to_learn_from_is_no_answer(self, world: World, tmp_path: Path) -> None:
        counters(world, steady)
        path = policy(tmp_path / "p.yaml", world.namespace, CHANGE, learning={"windows": 200})
        words = ("--prometheus", world.source.url, "--since", START, "--until", START + HOURS * 3600)
        result = run(path, *words)
        assert result.exit_code == 2
        assert "decay on digits was never judged: Learning" in result.stderr


class TestOtherInputs:
    def test_groups_events_and_queries(self, world: World, tmp_path: Path) -> None:
        """One policy with an input of each kind, of which two go wrong at the same time."""
        scrapes = round(HOURS * 3600 / EVERY) + 1
        world.up([1.0] * scrapes)
        counters(world, steady)
        late = [n * EVERY > BEGAN for n in range(scrapes)]
        for group, bad in (("x", False), ("y", True)):
            yes, no = [0.0], [0.0]
            for wrong in late[1:]:
                share = 0.3 if wrong and bad else 0.8
                yes.append(yes[-1] + round(100 * share))
                no.append(no[-1] + 100 - round(100 * share))
            world.scraped("decisions_total", yes, group=group, outcome="approve")
            world.scraped("decisions_total", no, group=group, outcome="refuse")
        world.scraped("leaks_total", [float(n * EVERY > BEGAN + 900) for n in range(scrapes)])
        world.scraped("confidence", [0.9] * scrapes)
        signals = (
            {
                "name": "groups",
                "type": "BiasIncident",
                "outcomes": {
                    "metric": "decisions_total",
                    "outcomeLabel": "outcome",
                    "favourable": ["approve"],
                    "groupLabels": ["group"],
                    "window": "5m",
                },
                "detector": {"disparity": {}},
            },
            {
                "name": "leak",
                "type": "PrivacyBreach",
                "severity": "Critical",
                "events": {"metric": "leaks_total", "exposure": "answers_total", "window": "5m"},
                "detector": {"occurrence": {}},
            },
            {
                "name": "confidence",
                "promql": {"query": "avg by (namespace, model, release) (confidence)"},
                "detector": {"threshold": {"below": 0.5}},
            },
        )
        found = asked(world, policy(tmp_path / "p.yaml", world.namespace, *signals))
        (opening,) = found["openings"]
        assert [s["signal"] for s in opening["signals"]] == ["groups", "leak"]
        assert opening["signals"][0]["segment"] == {"group": "y"}
        assert opening["severity"] == "Critical", "the one that joined is worse"
        assert BEGAN + 900 < _after(opening["signals"][1]["firstBreachAt"]) <= BEGAN + 930


def test_a_range_answers_as_each_moment_would_have(world: World, tmp_path: Path) -> None:
    """The heart of it: what the operator would have asked at each poll, and what the replay is told."""
    rolls = random.Random(3)
    counters(world, lambda _: rolls.random(), until=1500, pod="a")
    counters(world, lambda _: rolls.random(), since=900, pod="b", release="2")
    world.scraped("leaks_total", [None] * 60 + [float(n // 7) for n in range(400)])
    ratio = {"name": "ratio", "ratio": RATIO, "detector": {"threshold": {"below": 0.5}}}
    query = "avg by (namespace, model, release) (rate(right_total[90s])) > 3 or leaks_total"
    signals = (
        ratio,
        {"name": "promql", "promql": {"query": query}, "detector": {"threshold": {"below": 0.5}}},
        {**ratio, "name": "whole", "detector": {"change": {}}},
    )
    raw = yaml.safe_load(policy(tmp_path / "p.yaml", world.namespace, *signals).read_text())
    compiled = compile_policy(IncidentPolicy.from_object(raw), ())
    assert compiled.problems == ()
    queries = [*(s.query for s in compiled.signals), compiled.signals[0].owners]

    async def compare() -> int:
        source = PrometheusSource("x", Source(url=world.source.url))
        history = History(source, EVERY, START + 3600, {})
        compared = 0
        for number in range(240):
            history.clock = START + number * EVERY
            for text in queries:
                told, then = await history.query(text), world.source.ask(text, history.clock)
                assert told.state is then.state
                assert _rows(told.rows) == _rows(then.rows), (number, text)
                compared += len(then.rows)
        source.stop()
        return compared

    assert asyncio.run(compare()) > 2500


def _rows(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    return sorted((tuple(sorted(row.labels.items())), row.value, row.at) for row in rows)


class TestSamples:
    def test_a_file_says_what_prometheus_says(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLE, str(binary("prometheus")))
        counters(world, drop)
        path, samples = policy(tmp_path / "p.yaml", world.namespace), tmp_path / "history.csv"
        with samples.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["timestamp", "metric", "namespace", "job", "instance", "pod", "model", "release", "value"])
            for name in ("right_total", "answers_total"):
                for at, value in _raw(world, name):
                    writer.writerow([at, name, world.namespace, "models", "a:80", "a", "digits", "1", value])
        result = run(path, "--samples", samples, "-o", "json")
        assert result.exit_code == 1, result.stderr
        found, same = json.loads(result.stdout), asked(world, path)
        assert found["openings"] == same["openings"]
        assert found["polls"] == same["polls"]

    def test_openmetrics_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, str(binary("prometheus")))
        lines, good, total = {"right_total": [], "answers_total": []}, 0, 0  # type: ignore[var-annotated]
        for number in range(480):
            total += 300
            good += round(300 * drop(number * EVERY))
            for name, value in (("right_total", good), ("answers_total", total)):
                labels = 'namespace="vision",model="digits",release="1",pod="a"'
                lines[name].append(f"{name}{{{labels}}} {value} {START + number * EVERY}")
        samples = tmp_path / "history.om"
        samples.write_text("\n".join([*lines["right_total"], *lines["answers_total"], "# EOF"]) + "\n")
        result = run(policy(tmp_path / "p.yaml", "vision"), "--samples", samples, "-o", "json")
        (opening,) = json.loads(result.stdout)["openings"]
        assert BEGAN < _after(opening["openedAt"]) <= BEGAN + 60

    def test_samples_of_another_namespace_are_not_seen(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, str(binary("prometheus")))
        samples = tmp_path / "history.csv"
        rows = [f"{START + n * EVERY},answers_total,other,{n}" for n in range(10)]
        samples.write_text("\n".join(["timestamp,metric,namespace,value", *rows]) + "\n")
        result = run(policy(tmp_path / "p.yaml", "vision"), "--samples", samples)
        assert result.exit_code == 2
        assert 'no series of right_total{namespace="vision"}' in result.stderr


def _raw(world: World, name: str) -> list[list[Any]]:
    """The samples of one series as they stand in Prometheus."""
    form: dict[str, Any] = {
        "query": f'{name}{{namespace="{world.namespace}"}}[{HOURS * 3600 + 60:.0f}s]',
        "time": START + HOURS * 3600,
    }
    answer = world.source.session.post(f"{world.source.url}/api/v1/query", data=form, timeout=30).json()
    values: list[list[Any]] = answer["data"]["result"][0]["values"]
    return values
