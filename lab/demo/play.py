"""Plays the story: the bad release goes out, two watchers look on, the timeline tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.demo import moments
from lab.demo.cluster import ApiError, Cluster, Kubectl
from lab.demo.facts import Facts
from lab.demo.install import CONTAINER, MODEL, NAMESPACE
from lab.demo.observer import Observer, Reading
from lab.demo.story import Cast, Event, Story, short
from lab.demo.timeline import Timeline

PATIENCE = 120.0
"""Seconds after the bad release until everything must have happened."""
GLANCE = 0.25
"""Seconds between two looks at the cluster."""


@dataclass
class Stage:
    """The last known facts, shared with the observer's thread."""

    cast: Cast
    cluster: Cluster
    facts: Facts

    def look(self) -> Facts:
        """Fresh facts; the last ones when the API did not answer."""
        try:
            self.facts = self.cluster.facts(moments.now())
        except ApiError:
            return self.facts
        return self.facts

    def running(self) -> str:
        """The release that runs."""
        return self.cast.running(self.facts)


def settle(observer: Observer, stage: Stage, min_samples: int, seconds: float = 15.0) -> Reading | None:
    """Wait for the first reading in which the good release can be judged; None when none came."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stage.look()
        for reading in list(observer.readings):
            if reading.accuracy(stage.cast.good, min_samples) is not None:
                return reading
        time.sleep(GLANCE)
    return None


def play(kubectl: Kubectl, stage: Stage, observer: Observer, story: Story, timeline: Timeline) -> None:
    """Set the bad image as a person would, and tell what happens until all has or patience ends."""
    bad = stage.cast.bad_image
    told = len(observer.readings)
    kubectl("-n", NAMESPACE, "set", "image", f"deployment/{MODEL}", f"{CONTAINER}={bad}")
    timeline.event(Event(story.started, "release", f"kubectl set image deployment/{MODEL} {CONTAINER}={short(bad)}"))
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not story.over:
        lines: list[tuple[datetime, Callable[[Any], None], Any]]
        lines = [(event.at, timeline.event, event) for event in story.see(stage.look())]
        fresh = observer.readings[told:]
        told += len(fresh)
        for reading in fresh:
            if "restored" not in story.moments:
                lines.append((reading.at, timeline.reading, reading))
            lines += [(event.at, timeline.event, event) for event in story.read(reading)]
        for _, tell, what in sorted(lines, key=lambda line: line[0]):
            tell(what)
        time.sleep(GLANCE)
