"""The observer's decisions: who runs, what can be judged, when a breach could first be seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lab.demo import policy
from lab.demo.expression import Questions, Tally
from lab.demo.observer import Reading, breached, first_breach, take
from lab.demo.policy import Policy
from lab.demo.prometheus import PrometheusError, count_queries, parse_vector

pytestmark = pytest.mark.unit

POLICY = Policy(below=0.9, hold=5, min_samples=50, interval=5)
START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
GOOD, BAD = Tally(194, 200), Tally(20, 200)


def reading(second: float, running: str, **tallies: Tally) -> Reading:
    return Reading(START + timedelta(seconds=second), running, tallies)


def test_only_the_running_release_is_judged():
    assert not breached(reading(0, "good", good=GOOD, bad=BAD), POLICY)
    assert breached(reading(0, "bad", good=GOOD, bad=BAD), POLICY)


@pytest.mark.parametrize(("total", "expected"), [(49.9, False), (50, True)])
def test_too_few_samples_are_no_breach(total: float, expected: bool):
    assert breached(reading(0, "bad", bad=Tally(0, total)), POLICY) is expected


def test_the_threshold_itself_is_no_breach():
    assert not breached(reading(0, "r", r=Tally(90, 100)), POLICY)
    assert breached(reading(0, "r", r=Tally(89.9, 100)), POLICY)


def test_nothing_running_and_failed_queries_judge_nothing():
    assert not breached(reading(0, "", bad=BAD), POLICY)
    assert not breached(Reading(START, "bad", error="refused"), POLICY)


def test_first_breach_is_the_first_of_the_named_release_while_it_ran():
    readings = [
        reading(1, "good", good=GOOD, bad=BAD),
        reading(2, "bad", bad=Tally(0, 10)),
        reading(3, "bad", bad=BAD),
        reading(4, "bad", bad=BAD),
    ]
    assert first_breach(readings, "bad", POLICY) == START + timedelta(seconds=3)
    assert first_breach(readings[:2], "bad", POLICY) is None


def test_callers_accuracy_is_over_all_releases():
    both = reading(0, "bad", good=Tally(97, 100), bad=Tally(3, 100))
    assert both.callers_accuracy(50) == pytest.approx(0.5)
    assert reading(0, "bad", bad=Tally(1, 20)).callers_accuracy(50) is None


def row(part: str, release: str, value: float, model: str = "digits") -> tuple[dict[str, str], float]:
    labels = {"namespace": "vision", "model": model, "release": release, "knowngood_part": part}
    return labels, value


NOW = START.timestamp()
QUESTIONS = Questions(policy.read("vision")[1], {"model": "digits"})
TIMES = [row("time", "a", NOW - 1), row("time", "b", NOW - 1)]


def test_the_expression_is_the_operators_and_keeps_to_the_scrapes_namespace():
    assert 'increase(model_feedback_total{namespace="vision"}[20s])' in QUESTIONS.signal.query
    assert "release" in QUESTIONS.signal.query
    assert QUESTIONS.callers.count('namespace="vision"') == 2


def test_a_release_without_good_answers_counts_zero():
    answer = [row("good", "a", 9.0), row("total", "a", 10.0), row("total", "b", 5.0), *TIMES]
    assert QUESTIONS.tallies(lambda _: answer, NOW) == {"a": Tally(9, 10), "b": Tally(0, 5)}


def test_other_models_and_nothing_at_all_are_left_out():
    answer = [row("total", "a", 10.0, model="letters"), row("total", "b", 0.0), *TIMES]
    assert QUESTIONS.tallies(lambda _: answer, NOW) == {}


class Scripted:
    """A source that answers from a table, or fails."""

    def __init__(self, answers: dict[str, list[tuple[dict[str, str], float]]] | None) -> None:
        self.answers = answers

    def query(self, expression: str, at: float) -> list[tuple[dict[str, str], float]]:
        if self.answers is None:
            raise PrometheusError("connection refused")
        return self.answers.get(expression, [])


def test_a_reading_takes_tallies_and_what_callers_met():
    callers = [({"what": "rate"}, 39.9), ({"what": "failed"}, 2.0)]
    answers = {QUESTIONS.signal.query: [row("total", "r", 60.0)], QUESTIONS.callers: callers}
    assert take(Scripted(answers), QUESTIONS, "r", START) == Reading(START, "r", {"r": Tally(0, 60)}, 39.9, 2)


def test_a_failed_query_is_said_and_judges_nothing():
    taken = take(Scripted(None), QUESTIONS, "r", START)
    assert taken.error == "connection refused"
    assert not breached(replace(taken, running="r"), POLICY)


def test_vectors_are_read_and_anything_else_refused():
    envelope = {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {"release": "r"}, "value": [1.5, "0.25"]}]},
    }
    assert parse_vector(envelope) == [({"release": "r"}, 0.25)]
    with pytest.raises(ValueError, match="no vector"):
        parse_vector({"status": "error", "error": "bad"})
    with pytest.raises(ValueError, match="no vector"):
        parse_vector({"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}})


def test_only_queries_are_counted():
    page = """
# HELP prometheus_http_requests_total Counter of HTTP requests.
prometheus_http_requests_total{code="200",handler="/api/v1/query"} 7
prometheus_http_requests_total{code="400",handler="/api/v1/query"} 1
prometheus_http_requests_total{code="200",handler="/api/v1/query_range"} 2
prometheus_http_requests_total{code="200",handler="/metrics"} 100
prometheus_http_requests_total{code="200",handler="/api/v1/query_exemplars"} 50
"""
    assert count_queries(page) == 10
