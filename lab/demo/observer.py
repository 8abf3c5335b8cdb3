"""A second pair of eyes: polls Prometheus every second and never asks the operator.

It evaluates the operator's expression, judges the release that runs with the policy's
threshold and minSamples, and so tells when a breach could first be seen at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lab.demo import moments
from lab.demo.expression import Questions, Tally
from lab.demo.policy import Policy
from lab.demo.prometheus import PrometheusError, Vector

PERIOD = 1.0
"""Seconds between two polls."""


class Source(Protocol):
    """What the observer asks."""

    def query(self, expression: str, at: float) -> Vector:
        """The instant vector of `expression` at `at`."""
        ...


@dataclass(frozen=True)
class Reading:
    """What Prometheus told at one moment."""

    at: datetime
    running: str
    """The release that ran; empty while none was ready."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    rate: float = 0.0
    """Requests a second that callers sent."""
    failed: int = 0
    """Requests that failed since the traffic began: anything but a 200 with an answer."""
    error: str = ""

    def accuracy(self, release: str, min_samples: int) -> float | None:
        """The accuracy of `release`; None with too few samples to judge."""
        tally = self.tallies.get(release)
        if tally is None or tally.total < min_samples:
            return None
        return tally.ratio

    def callers_accuracy(self, min_samples: int) -> float | None:
        """The accuracy that callers got, whichever release answered them."""
        total = sum(tally.total for tally in self.tallies.values())
        good = sum(tally.good for tally in self.tallies.values())
        return good / total if total >= max(min_samples, 1) else None


def breached(reading: Reading, policy: Policy) -> bool:
    """Whether the running release breaches the policy's threshold in this reading."""
    value = reading.accuracy(reading.running, policy.min_samples)
    return value is not None and value < policy.below


def first_breach(readings: list[Reading], release: str, policy: Policy) -> datetime | None:
    """When a breach of `release`, then running, could first be seen."""
    seen = (r.at for r in readings if r.running == release and breached(r, policy))
    return next(seen, None)


def take(source: Source, questions: Questions, running: str, at: datetime) -> Reading:
    """One reading; a failed query gives a reading that says so and judges nothing."""
    when = at.timestamp()
    try:
        tallies = questions.tallies(lambda text: source.query(text, when), when)
        callers = {labels.get("what"): value for labels, value in source.query(questions.callers, when)}
    except PrometheusError as error:
        return Reading(at, running, error=str(error))
    return Reading(at, running, tallies, callers.get("rate", 0.0), round(callers.get("failed", 0)))


class Observer:
    """Takes a reading every second in a thread of its own until stopped."""

    def __init__(self, source: Source, questions: Questions, running: Callable[[], str]) -> None:
        self._source = source
        self._questions = questions
        self._running = running
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self.readings: list[Reading] = []

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End after the reading under way."""
        self._stop.set()
        self._thread.join(timeout=15)

    def _run(self) -> None:
        due = moments.now().timestamp()
        while not self._stop.wait(max(0.0, due - moments.now().timestamp())):
            self.readings.append(take(self._source, self._questions, self._running(), moments.now()))
            due += PERIOD
