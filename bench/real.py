"""DR: real data, beside river's and nannyml's detectors at the same rate of false alarms.

Annotated series: each change that at least two people marked is a case; a detector learns from windows before it, and
is judged by false alarms before the change and by its delay after it. Each is given the parameter that finds most with
few false alarms, ours too. Employment: answers and scores of a model for the people of one state, 2015 healthy, then
2018, and those of it who are 16 to 24; in the file's order. Ours judges windows by its `judge`, river's each answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bench.peers.annotated import Case as Marked
from bench.peers.annotated import Score, best, cases, scored
from bench.peers.venv import told
from bench.result import Result, result
from bench.simulate import delay, learnt, run_length
from knowngood.api.detectors import ChangeDetector, DriftDetector, DriftTest
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.change import Change
from knowngood.core.detectors.drift import Drift
from knowngood.core.detectors.port import Case, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Sample

MINUTE = 60.0
DIALS = tuple(round(20 * 1.5**step) for step in range(18))
MOST_FALSE = 9  # of the annotated changes a fifth
LEARNED, ANSWERS, EVERY = 100, 100, 100  # windows, answers a window, windows a false alarm
SCORES, SCORE_EVERY = 500, 50
EDGES = (*(round(0.05 * step, 2) for step in range(1, 20)), float("inf"))


@dataclass(frozen=True)
class Stretches:
    """Answers in the file's order, each replica from a place of its own on, and round again; a shift is other data."""

    healthy: Sequence[int]
    after: Sequence[int] = ()

    def baselines(self, rng: np.random.Generator, replicas: int) -> list[Baseline]:
        """Of the windows before those that are judged."""
        return learnt(_Answers(self, replicas, 0), LEARNED, shares=True)

    def windows(self, rng: np.random.Generator, replicas: int) -> "_Answers":
        """From where the baseline ends."""
        return _Answers(self, replicas, LEARNED)


class _Answers:
    """Windows of each replica; their beginnings are spread over the data."""

    def __init__(self, of: Stretches, replicas: int, skip: int) -> None:
        self._sums = {shifted: _totals(x) for shifted, x in ((False, of.healthy), (True, of.after)) if len(x)}
        self._places, self._number = np.arange(replicas) * len(of.healthy) // replicas, skip

    def next(self, shift: float) -> list[Sample]:
        """The next window of each replica."""
        sums = self._sums[shift != 0]
        begin = (self._places + self._number * ANSWERS) % (len(sums) // 2)
        self._number += 1
        hits = (sums[begin + ANSWERS] - sums[begin]).tolist()
        return [Sample({}, DataState.OK, h / ANSWERS, ANSWERS, hits=h) for h in hits]


def _totals(values: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Sums up to each place, twice around."""
    return np.concatenate([[0.0], np.cumsum([*values, *values])])


def marked_alarm(every: int, case: Marked) -> int | None:
    """At which window after what was learnt `change` begins a breach."""
    settings, memory = ChangeDetector(false_alarm_every=f"{every}m"), None
    values = [Sample({}, DataState.OK, float(v)) for v in (*case.learnt, *case.before, *case.after)]
    known = learnt(_One(iter(values)), len(case.learnt))[0]
    for at, sample in enumerate(values[len(case.learnt) :]):
        ((said, memory),) = Change().judge(settings, [Case(sample, memory, known)], Span(at * MINUTE, MINUTE, MINUTE))
        if said.verdict is Verdict.BREACH:
            return at
    return None


@dataclass(frozen=True)
class _One:
    left: Iterator[Sample]

    def next(self, shift: float) -> list[Sample]:
        return [next(self.left)]


def annotated(series: dict[str, Any]) -> tuple[int, Score]:
    """Ours at its best dial, in windows."""
    given = [case for one in series.values() for case in cases(one["values"], one["changes"])]
    found = {dial: scored(given, partial(marked_alarm, dial)) for dial in DIALS}
    dial, score = best({float(x): s for x, s in found.items()}, MOST_FALSE)
    return int(dial), score


def answers(data: dict[str, Any], replicas: int) -> dict[str, float]:
    """Windows a false alarm, and windows until the other data is found, of `change`."""
    null = Stretches(data["2015"]["right"])

    def settings(every: int) -> ChangeDetector:
        return ChangeDetector(direction="Down", false_alarm_every=f"{every}m")

    first = run_length(Change(), settings(EVERY), null, EVERY, replicas, 5).mean
    every = max(20, round(EVERY * EVERY / first))
    seen = {"every": run_length(Change(), settings(every), null, EVERY, replicas, 6).mean}
    for name, part in data.items():
        if name != "2015":
            changed = replace(null, after=part["right"])
            seen[name] = delay(Change(), settings(every), changed, 1.0, replicas, 7, before=0)
    return seen


def scores(data: dict[str, Any], test: DriftTest) -> dict[str, float]:
    """Windows a false alarm, and the share of windows of other data that are found, of `drift`: at its laxest dial."""
    half = len(data["2015"]["scores"]) // 2
    recorded, healthy = data["2015"]["scores"][:half], data["2015"]["scores"][half:]
    samples = [_histogram(recorded[i : i + SCORES]) for i in range(0, half - SCORES, SCORES)]
    known = learnt(_One(iter(samples)), len(samples))[0]
    for dial in (10, 20, 30, 50, 100, 200, 400):
        settings = DriftDetector(test=test, min_samples=1, min_effect=0, false_alarm_every=f"{dial}m")
        false = _share(settings, known, healthy)
        if false <= 1 / SCORE_EVERY:
            break
    found = {name: _share(settings, known, part["scores"]) for name, part in data.items() if name != "2015"}
    return {"every": 1 / max(false, 0.5 * SCORES / len(healthy)), **found}


def _histogram(values: Sequence[float]) -> Sample:
    counts = np.bincount(np.searchsorted(EDGES, values, "left"), minlength=len(EDGES))
    return Sample({}, DataState.OK, 0.0, float(len(values)), buckets=Buckets(EDGES, tuple(counts.tolist())))


def _share(settings: DriftDetector, known: Baseline, values: Sequence[float]) -> float:
    windows = [_histogram(values[i : i + SCORES]) for i in range(0, len(values) - SCORES, SCORES)]
    said = Drift().judge(settings, [Case(w, None, known) for w in windows], Span(0.0, MINUTE, MINUTE))
    return sum(judged.verdict is Verdict.BREACH for judged, _ in said) / len(windows)


def run(prove: bool) -> Result:
    """The delay on the young of 2018 of the quickest other detector of answers, over ours."""
    replicas = 60 if prove else 20
    data = told("real_data.py", "data")
    dial, mine = annotated(data["series"])
    rows = [(f"annotated, ours, {dial} windows", _score(asdict(mine)))]
    for name, score in told("real_data.py", "annotated", str(MOST_FALSE)).items():
        rows.append((f"annotated, river {name} at {score['x']:.3g}", _score(score)))
    words = [str(w) for w in (ANSWERS, EVERY, replicas, SCORES, SCORE_EVERY)]
    peers = told("real_data.py", "employment", *words)
    ours = answers(data["employment"], replicas)
    rows.append(("answers, ours", _told(ours, "windows")))
    rows += [(f"answers, river {name}", _told(found, "windows")) for name, found in peers["right"].items()]
    rows += [(f"scores, ours, {test}", _told(scores(data["employment"], test), "of windows")) for test in DriftTest]
    rows += [(f"scores, nannyml {name}", _told(found, "of windows")) for name, found in peers["scores"].items()]
    young = "2018, young"
    quickest = min(found[young] for found in peers["right"].values())
    figure = quickest / ours[young]
    goal = "> 1: a worse part of the traffic is found sooner than by river's at the same false alarms"
    return result("DR", round(figure, 2), "x ours", goal, figure > 1, peer=round(quickest, 1), floor=None, rows=rows)


def _score(score: dict[str, Any]) -> str:
    return "{found} of {changes} changes after {delay:.1f} windows, {false} false alarms before one".format(**score)


def _told(found: dict[str, float], unit: str) -> str:
    rest = "; ".join(f"{name} {value:.3g} {unit}" for name, value in found.items() if name != "every")
    return f"a false alarm in {found['every']:.0f} windows; {rest}"
