"""build/demo.json: what the demo measured, and whether it went as it must."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.demo.moments import rfc3339, seconds
from lab.demo.policy import Policy
from lab.demo.story import RESTORED

BEFORE = 0.95
DURING = 0.8
SLACK = 2.0
"""Seconds allowed between breach and patch on top of the policy's interval and `for`."""


@dataclass(frozen=True)
class Record:
    """The demo's measurements; a time is None when that thing never happened."""

    bad_release_at: datetime | None = None
    first_breach_visible_at: datetime | None = None
    incident_at: datetime | None = None
    patched_at: datetime | None = None
    contained_at: datetime | None = None
    accuracy_restored_at: datetime | None = None
    before: float | None = None
    during: float | None = None
    after: float | None = None
    http_requests: int = 0
    http_errors: int = 0
    prometheus_queries_per_cycle: float | None = None

    @property
    def times(self) -> dict[str, datetime | None]:
        """The times by their names in the file."""
        return {
            name: getattr(self, name)
            for name in (
                "bad_release_at",
                "first_breach_visible_at",
                "incident_at",
                "patched_at",
                "contained_at",
                "accuracy_restored_at",
            )
        }

    def as_json(self) -> dict[str, Any]:
        """The file's content."""
        accuracy = {"before": self.before, "during": self.during, "after": self.after}
        return {name: rfc3339(at) for name, at in self.times.items()} | {
            "accuracy": {name: None if x is None else round(x, 4) for name, x in accuracy.items()},
            "http_requests": self.http_requests,
            "http_errors": self.http_errors,
            "prometheus_queries_per_cycle": self.prometheus_queries_per_cycle,
        }

    def write(self, path: Path) -> None:
        """Write the file, making its directory."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n")


def failures(record: Record, policy: Policy, incidents: int) -> list[str]:
    """What did not go as it must, a sentence each; empty when all did."""
    found = [f"{name}: it did not happen" for name, at in record.times.items() if at is None]
    found += _accuracies(record)
    if incidents > 1:
        found.append(f"{incidents} incidents were opened for one breach")
    if record.http_requests == 0:
        found.append("http_requests: 0, no traffic ran")
    if record.http_errors:
        found.append(f"http_errors: {record.http_errors} of {record.http_requests} requests failed")
    if record.first_breach_visible_at and record.patched_at:
        took = seconds(record.first_breach_visible_at, record.patched_at)
        allowed = policy.interval + policy.hold + SLACK
        if took > allowed:
            found.append(f"patched_at: {took:.1f} s after the breach was visible, {allowed:g} s are allowed")
    return found


def _accuracies(record: Record) -> list[str]:
    found = []
    if record.before is None or record.before < BEFORE:
        found.append(f"accuracy.before: {record.before}, at least {BEFORE} is needed")
    if record.during is None or record.during >= DURING:
        found.append(f"accuracy.during: {record.during}, below {DURING} is needed")
    if record.after is None or record.after < RESTORED:
        found.append(f"accuracy.after: {record.after}, at least {RESTORED} is needed")
    return found
