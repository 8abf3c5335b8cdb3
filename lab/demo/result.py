"""Gathers what the story, the observer and the audit log know into the demo's record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from lab.demo.audit import first_patch, patches
from lab.demo.install import CONTAINER, MODEL, NAMESPACE, SYSTEM
from lab.demo.observer import Reading, first_breach
from lab.demo.record import Record
from lab.demo.story import Story
from lab.demo.traffic import Counted


def last_before(readings: Iterable[Reading], moment: datetime, release: str, min_samples: int) -> float | None:
    """The last accuracy of `release` that could be judged before `moment`."""
    judged = (r.accuracy(release, min_samples) for r in readings if r.at <= moment)
    return next((value for value in reversed([*judged]) if value is not None), None)


def lowest(readings: Iterable[Reading], release: str, min_samples: int) -> float | None:
    """The lowest accuracy of `release` while it ran and could be judged."""
    judged = (r.accuracy(release, min_samples) for r in readings if r.running == release)
    return min((value for value in judged if value is not None), default=None)


def patched_at(story: Story, audit_log: str) -> datetime | None:
    """When the API server received the operator's patch; where no audit log is to be had, when we saw it."""
    if audit_log:
        with Path(audit_log).open(errors="replace") as lines:
            found = first_patch(
                patches(lines, NAMESPACE, MODEL, CONTAINER),
                accounts=f"system:serviceaccount:{SYSTEM}:",
                image=story.cast.good_image,
                after=story.started,
            )
        return found.at if found else None
    return story.moments.get("patched")


def incident_at(story: Story) -> datetime | None:
    """When the incident was opened: the operator's own time, else the API server's whole second."""
    if opened := story.moments.get("opened"):
        return opened
    return story.incident.created_at if story.incident else None


def record_of(
    story: Story, readings: list[Reading], counted: Counted, per_cycle: float | None, audit_log: str
) -> Record:
    """The record of a story that was played."""
    cast, policy = story.cast, story.policy
    last = readings[-1] if readings else None
    restored = story.moments.get("restored")
    return Record(
        bad_release_at=story.started,
        first_breach_visible_at=first_breach(readings, cast.bad, policy),
        incident_at=incident_at(story),
        patched_at=patched_at(story, audit_log),
        contained_at=story.moments.get("contained"),
        accuracy_restored_at=restored,
        before=last_before(readings, story.started, cast.good, policy.min_samples),
        during=lowest(readings, cast.bad, policy.min_samples),
        after=last.callers_accuracy(policy.min_samples) if last and restored else None,
        http_requests=counted.requests,
        http_errors=counted.errors,
        prometheus_queries_per_cycle=per_cycle,
    )
