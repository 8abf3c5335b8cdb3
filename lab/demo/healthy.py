"""Waits until the model is judged healthy and has a known-good release; measures the queries meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from lab.demo.cluster import ApiError
from lab.demo.cycles import per_cycle
from lab.demo.facts import Object, container_image
from lab.demo.install import CONTAINER, wait
from lab.demo.prometheus import Prometheus

WAIT = 150.0
"""Seconds until a known-good release must have been found: roll-out, window, soak and some."""


def is_proven(model: Object, image: str) -> tuple[bool, str]:
    """Whether the ModelDeployment is healthy with `image` as known-good, and what its status says."""
    status = model.get("status", {})
    signals = status.get("signals", {})
    pinned = container_image(status.get("knownGood", {}), CONTAINER)
    items = "; ".join(f"{i['name']}: {i.get('message') or i['verdict']}" for i in signals.get("items", []))
    seen = f"phase {status.get('phase', 'none')}, signals {signals.get('summary', 'none')}"
    seen += f" ({items})" if items else ""
    healthy = status.get("phase") == "Healthy" and signals.get("total", 0) > 0
    return healthy and signals["ok"] == signals["total"] and pinned == image, seen


def await_known_good(model: Callable[[], Object], image: str, say: Callable[[str], None]) -> None:
    """Wait for the known-good release, saying each change of the status; TimedOutError otherwise."""
    said = ""

    def look() -> tuple[bool, str]:
        nonlocal said
        try:
            done, seen = is_proven(model(), image)
        except ApiError as error:
            return False, str(error)
        if seen != said:
            say(seen)
            said = seen
        return done, seen

    wait("a known-good release", WAIT, look)


def queries_per_cycle(prometheus: Prometheus, interval: float, cycles: int = 4) -> float | None:
    """Queries a cycle by Prometheus' own counter, while nobody but the operator asks.

    Takes `cycles` whole intervals (seconds) and one more.
    """
    readings: list[tuple[float, float]] = []
    end = time.monotonic() + (cycles + 1) * interval
    while time.monotonic() < end:
        readings.append((time.monotonic(), prometheus.queries_served()))
        time.sleep(0.2)
    return per_cycle(readings, interval)
