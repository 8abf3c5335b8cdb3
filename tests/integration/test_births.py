"""Births against a real Prometheus: what the cheap question leaves out is asked for, of whom it concerns alone."""

import random
from typing import Any

import pytest

from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.core.signals.answer import Answer
from knowngood.core.signals.compiled import CompiledSignal, compile_policy
from knowngood.core.signals.sample import Sample
from knowngood.shell.asking import asked
from knowngood.shell.windows import Question
from tests import builders as b
from tests.integration.conftest import EVERY, START, Value, World

pytestmark = pytest.mark.integration
MODELS = ("a", "b.c", "d|e", 'q"\\')
INPUTS: dict[str, dict[str, Any]] = {
    "ratio": {"good": "good_total", "total": "all_total", "window": "1m"},
    "events": {"metric": "bad_total", "exposure": "all_total", "window": "1m"},
    "outcomes": {
        "metric": "all_total",
        "outcomeLabel": "outcome",
        "favourable": ["yes"],
        "groupLabels": ["group"],
        "window": "1m",
    },
    "histogram": {"metric": "score", "window": "1m"},
}


def compiled(world: World, name: str, whole: bool) -> CompiledSignal:
    detector = {"threshold": None, "change": {}} if whole else {"threshold": {"below": 0.5, "for": "0s"}}
    made = b.policy([b.signal(**{"ratio": None, name: INPUTS[name]}, detector=detector)], interval="15s").to_object()
    made["metadata"]["namespace"] = world.namespace
    (signal,) = compile_policy(IncidentPolicy.from_object(made), [b.model()]).signals
    return signal


def lived(rolls: random.Random, scrapes: int, from_: int) -> list[Value]:
    """Absent, then a counter that grows and restarts now and then."""
    values, value = list[Value]([None] * from_), float(rolls.choice([0, 1, 7]))
    for _ in range(scrapes - from_):
        value = 0.0 if rolls.random() < 0.05 else value + rolls.choice([0, 1, 20])
        values.append(value)
    return values


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("whole", [True, False])
async def test_births_are_looked_into_where_there_are_some(world: World, name: str, whole: bool) -> None:
    rolls, scrapes = random.Random(3), 81
    world.up([1.0] * scrapes)
    world.up([None] * 50 + [1.0] * 31, pod="late")
    for model in MODELS:
        for pod, release, born in (("a", "1", 0), ("a", "2", rolls.randrange(15, 70)), ("late", "2", 52)):
            labels = {"model": model, "release": release, "pod": pod}
            for metric in ("all_total", "good_total", "bad_total", "score_bucket", "score_count", "score_sum"):
                more = {"le": "+Inf"} if metric == "score_bucket" else {}
                start = born + (rolls.choice([0, 0, 5]) if born else 0)
                extra = {"outcome": rolls.choice(["yes", "no"]), "group": "x"} if metric == "all_total" else {}
                world.scraped(metric, lived(rolls, scrapes, start), **labels, **more, **extra)
    signal, queries, at = compiled(world, name, whole), list[str](), 0.0

    async def ask(question: Question) -> Answer:
        queries.append(question.query)
        return world.source.ask(question.query, question.last or at)

    told = dict.fromkeys(("mostly", "about", "whole"), 0)
    for number in range(8, scrapes):
        at = START + number * EVERY + (0.0 if whole else 3.0)
        question = Question("default", signal.query, at, at, 60.0) if whole else Question("default", signal.query)
        queries.clear()
        found = signal.decode((await asked(ask, question, signal)).rows, at)
        assert ordered(found) == ordered(signal.decode(world.source.ask(signal.query, at).rows, at)), number
        assert queries[0] == signal.mostly
        told["mostly" if len(queries) == 1 else "whole" if queries[1] == signal.query else "about"] += 1
    assert told["mostly"] > 20
    assert told["about"] > 10
    assert told["whole"] == 0


def ordered(samples: Any) -> list[Sample]:
    found: list[Sample] = sorted(samples, key=lambda s: sorted(s.labels.items()))
    return found


async def test_too_many_to_be_named_are_all_asked_about(world: World) -> None:
    world.up([1.0] * 40)
    for number in range(60):
        world.scraped("all_total", [None] * 20 + [5.0] * 20, model=f"m{number}")
        world.scraped("good_total", [None] * 20 + [4.0] * 20, model=f"m{number}")
    signal, queries = compiled(world, "ratio", whole=False), list[str]()

    async def ask(question: Question) -> Answer:
        queries.append(question.query)
        return world.source.ask(question.query, question.last or START + 21 * EVERY)

    found = signal.decode((await asked(ask, Question("default", signal.query), signal)).rows, START + 21 * EVERY)
    assert queries == [signal.mostly, signal.query]
    assert {s.count for s in found} == {5.0}
