"""The story from facts and readings, and the record that is kept of it."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lab.demo.expression import Tally
from lab.demo.facts import Facts, facts_of
from lab.demo.fold import fold_evidence
from lab.demo.observer import Reading
from lab.demo.policy import Policy
from lab.demo.record import Record, failures
from lab.demo.result import last_before, lowest, record_of
from lab.demo.story import Cast, Event, Story, short
from lab.demo.timeline import BAR, Timeline, answers, bar
from lab.demo.traffic import Counted

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
GOOD, BAD = f"reg:5000/digits@sha256:{'a' * 64}", f"reg:5000/digits@sha256:{'b' * 64}"
CAST = Cast(GOOD, "1.0.0", BAD, "1.1.0")
POLICY = Policy(below=0.9, hold=5, min_samples=50, interval=5)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def pod(image: str, *, ready: bool = True, going: bool = False) -> dict[str, Any]:
    metadata = {"name": "p", **({"deletionTimestamp": "2026-11-23T06:00:00Z"} if going else {})}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "model", "image": image}]},
        "status": {"conditions": conditions},
    }


def deployment(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "model", "image": image}]}}}}


def incident(phase: str, *, frozen: bool = False, contained: bool = False) -> dict[str, Any]:
    conditions = [
        {"type": "EvidenceFrozen", "status": str(frozen)},
        {"type": "Contained", "status": str(contained)},
    ]
    status: dict[str, Any] = {
        "phase": phase,
        "openedAt": "2026-11-23T06:00:12.250Z",
        "conditions": conditions,
    }
    if frozen:
        status["evidence"] = {"frozenAt": "2026-11-23T06:00:12.5Z", "took": "210ms"}
    if contained:
        status["containedAt"] = "2026-11-23T06:00:15Z"
    metadata = {"name": "digits-1", "creationTimestamp": "2026-11-23T06:00:12Z"}
    return {"metadata": metadata, "spec": {"type": "ModelFailure", "severity": "High"}, "status": status}


def facts(second: float, image: str, pods: list[dict[str, Any]], *incidents: dict[str, Any]) -> Facts:
    return facts_of(at(second), deployment(image), pods, list(incidents), "model")


def reading(second: float, running: str, good: Tally, bad: Tally | None = None) -> Reading:
    tallies = {"1.0.0": good} | ({"1.1.0": bad} if bad else {})
    return Reading(at(second), running, tallies, 40.0)


def told(story: Story) -> list[Event]:
    """The whole story, in the order of time."""
    events = story.see(facts(0.1, BAD, [pod(GOOD)]))
    events += story.see(facts(3, BAD, [pod(GOOD), pod(BAD)]))
    events += story.read(reading(4, "1.1.0", Tally(700, 720), Tally(4, 40)))
    events += story.read(reading(6, "1.1.0", Tally(600, 620), Tally(9, 90)))
    events += story.see(facts(12.4, BAD, [pod(BAD)], incident("Open")))
    events += story.see(facts(12.8, BAD, [pod(BAD)], incident("Containing", frozen=True)))
    events += story.see(facts(13, GOOD, [pod(BAD)], incident("Containing", frozen=True)))
    events += story.see(
        facts(16, GOOD, [pod(GOOD), pod(BAD, going=True)], incident("Contained", frozen=True, contained=True))
    )
    events += story.read(reading(18, "1.0.0", Tally(194, 200), Tally(30, 300)))
    assert not story.over, "callers have not got their accuracy back yet"
    events += story.read(reading(38, "1.0.0", Tally(776, 800)))
    return events


def test_the_story_is_told_once_and_in_order():
    story = Story(CAST, POLICY, START)
    events = told(story)
    kinds = [event.kind for event in events]
    assert kinds == [
        "bad-answers",
        "breach",
        "opened",
        "frozen",
        "patched",
        "contained",
        "bad-gone",
        "restored",
    ]
    assert story.over
    assert story.see(facts(40, GOOD, [pod(GOOD)], incident("Contained", frozen=True, contained=True))) == []


def test_times_are_those_of_the_incident_itself():
    story = Story(CAST, POLICY, START)
    told(story)
    assert story.moments["opened"] == at(12.25)
    assert story.moments["frozen"] == at(12.5)
    assert story.moments["contained"] == at(15)
    assert story.moments["breach"] == at(6), "40 samples at 4 s were too few"


def test_the_good_image_before_the_bad_one_is_no_pin():
    story = Story(CAST, POLICY, START)
    story.see(facts(0, GOOD, [pod(GOOD)]))
    assert "patched" not in story.moments


def test_without_breach_nothing_is_over():
    story = Story(CAST, POLICY, START)
    story.see(facts(1, BAD, [pod(BAD)]))
    assert story.read(reading(2, "1.0.0", Tally(776, 800))) == []
    assert not story.over


def test_a_second_incident_is_counted():
    story = Story(CAST, POLICY, START)
    story.see(facts(1, BAD, [pod(BAD)], incident("Open"), incident("Open")))
    assert story.incidents == 2
    assert any("2 incidents" in line for line in failures(Record(), POLICY, story.incidents))


@pytest.mark.parametrize(
    ("image", "pods", "running"),
    [
        (GOOD, [pod(GOOD)], "1.0.0"),
        (BAD, [pod(GOOD), pod(BAD, ready=False)], "1.0.0"),
        (BAD, [pod(GOOD), pod(BAD)], "1.1.0"),
        (GOOD, [pod(GOOD, going=True), pod(BAD)], "1.1.0"),
        (BAD, [pod(BAD, ready=False)], ""),
        ("other", [pod("other")], ""),
    ],
)
def test_the_running_release(image: str, pods: list[dict[str, Any]], running: str):
    assert CAST.running(facts(0, image, pods)) == running


def test_a_record_of_the_story(tmp_path: Path):
    story = Story(CAST, POLICY, START)
    told(story)
    readings = [
        reading(-1, "1.0.0", Tally(776, 800)),
        reading(6, "1.1.0", Tally(600, 620), Tally(9, 90)),
        reading(8, "1.1.0", Tally(500, 520), Tally(34, 200)),
        reading(38, "1.0.0", Tally(776, 800)),
    ]
    record = record_of(story, readings, Counted(3000, 0), 2.0, audit_log="")
    record.write(tmp_path / "build" / "demo.json")
    assert json.loads((tmp_path / "build" / "demo.json").read_text()) == {
        "bad_release_at": "2026-11-23T06:00:00.000Z",
        "first_breach_visible_at": "2026-11-23T06:00:06.000Z",
        "incident_at": "2026-11-23T06:00:12.250Z",
        "patched_at": "2026-11-23T06:00:13.000Z",
        "contained_at": "2026-11-23T06:00:15.000Z",
        "accuracy_restored_at": "2026-11-23T06:00:38.000Z",
        "accuracy": {"before": 0.97, "during": 0.1, "after": 0.97},
        "http_requests": 3000,
        "http_errors": 0,
        "prometheus_queries_per_cycle": 2.0,
    }
    assert failures(record, POLICY, story.incidents) == []


def whole(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "bad_release_at": at(0),
        "first_breach_visible_at": at(6),
        "incident_at": at(12),
        "patched_at": at(18),
        "contained_at": at(20),
        "accuracy_restored_at": at(40),
        "before": 0.95,
        "during": 0.79,
        "after": 0.95,
        "http_requests": 1000,
    }
    return Record(**fields | changes)


def test_a_record_at_its_limits_is_good():
    assert failures(whole(), POLICY, 1) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"patched_at": at(18.1)}, "patched_at: 12.1 s after the breach was visible, 12 s are allowed"),
        ({"contained_at": None}, "contained_at: it did not happen"),
        ({"before": 0.949}, "accuracy.before: 0.949, at least 0.95 is needed"),
        ({"during": 0.8}, "accuracy.during: 0.8, below 0.8 is needed"),
        ({"during": None}, "accuracy.during: None, below 0.8 is needed"),
        ({"after": 0.9}, "accuracy.after: 0.9, at least 0.95 is needed"),
        ({"http_errors": 1}, "http_errors: 1 of 1000 requests failed"),
        ({"http_requests": 0}, "http_requests: 0, no traffic ran"),
    ],
)
def test_each_failure_is_said(changes: dict[str, Any], said: str):
    assert failures(whole(**changes), POLICY, 1) == [said]


def test_accuracies_of_what_could_be_judged():
    readings = [
        reading(-2, "1.0.0", Tally(97, 100)),
        reading(-1, "1.0.0", Tally(10, 10)),
        reading(1, "1.0.0", Tally(50, 100)),
    ]
    assert last_before(readings, at(0), "1.0.0", 50) == 0.97
    assert last_before(readings, at(-5), "1.0.0", 50) is None
    assert lowest(readings, "1.1.0", 50) is None


def test_the_timeline_reads_well_without_a_terminal():
    out = io.StringIO()
    timeline = Timeline(Console(file=out, width=60), START, ("1.0.0", "1.1.0"), 50)
    timeline.event(Event(at(12.25), "opened", "AIIncident digits-1: ModelFailure, High"))
    timeline.reading(reading(13, "1.1.0", Tally(300, 300), Tally(0, 100)))
    timeline.reading(Reading(at(14), "1.1.0", error="connection refused"))
    assert out.getvalue().splitlines() == [
        "  +12.2s  incident opened AIIncident digits-1: ModelFailure, High",
        "  +13.0s  accuracy        0.75 ███████████████░░░░░  1.0.0 1.00  1.1.0 0.00  40/s, all 200 OK",
        "  +14.0s  accuracy        connection refused",
    ]


def test_failures_show_in_the_timeline():
    assert answers(Reading(at(1), "r", rate=39.6, failed=3)) == "40/s, 3 FAILED"
    assert answers(Reading(at(1), "r")) == "no requests"


def test_an_incident_without_status_is_dated_by_its_creation():
    story = Story(CAST, POLICY, START)
    bare = incident("Open") | {"status": {}}
    assert "opened" not in {e.kind for e in story.see(facts(12, BAD, [pod(BAD)], bare))}
    assert record_of(story, [], Counted(0, 0), None, "").incident_at == at(12)
    story.see(facts(13, BAD, [pod(BAD)], incident("Open")))
    assert record_of(story, [], Counted(0, 0), None, "").incident_at == at(12.25)


def test_the_evidence_is_folded():
    text = "Status:\n  Evidence:\n    Took:  1\n    Pods:\n      Name:  a\n  Phase:  Contained"
    folded = "Status:\n  Evidence:\n    (3 lines: workload, pods, roll-outs, raw samples)\n  Phase:  Contained"
    assert fold_evidence(text) == folded
    assert fold_evidence("NAME  PHASE\ndigits  Healthy") == "NAME  PHASE\ndigits  Healthy"


@pytest.mark.parametrize(("share", "filled"), [(0.0, 0), (0.5, 10), (1.0, 20), (1.2, 20), (-1.0, 0)])
def test_bars_are_always_of_one_length(share: float, filled: int):
    assert bar(share) == "█" * filled + "░" * (BAR - filled)
    assert len(bar(None)) == BAR


def test_short_images():
    assert short(GOOD) == "digits@aaaaaaaaaaaa"
    assert short("digits:1") == "digits:1"
