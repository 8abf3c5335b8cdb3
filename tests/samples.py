"""Raw samples and evidence as they stand in an incident; moments are seconds after `builders.START`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from knowngood.api.durations import text
from knowngood.api.evidence import Change, Evidence, Point, Rollout, SeenPod, Series
from knowngood.api.observed import CauseKind, NamedImage
from knowngood.core.incidents.onset import Asked, Limit
from tests import builders as b

RATE = 20.0  # requests in a second
BELOW = Limit(below=True, value=0.9)


def series(
    values: Sequence[float | str],
    first: float = 0.0,
    step: float = 5.0,
    part: str = "",
    labels: Mapping[str, str] | None = None,
    name: str = "x",
    signal: str = b.SIGNAL,
) -> Series:
    """One series with a sample every `step` seconds."""
    points = [Point(t=b.at(first + i * step), v=str(v)) for i, v in enumerate(values)]
    return Series(
        signal=signal,
        part=part,
        query=f"{name}{{}}[5m]",
        start=b.at(first),
        end=b.at(first + len(points) * step),
        step=text(step),
        labels={"__name__": name, **(labels or {})},
        points=points,
    )


def counter(
    rate: Callable[[float], float], end: float = 300.0, first: float = 0.0, step: float = 5.0, **more: Any
) -> Series:
    """A counter that grows by `rate(moment)` in a second."""
    total, values = 0.0, []
    for i in range(int((end - first) / step) + 1):
        if i:
            total += sum(rate(first + (i - 1) * step + j * step / 10) * step / 10 for j in range(10))
        values.append(round(total, 3))
    return series(values, first, step, **more)


def ratio(share: Callable[[float], float], labels: Mapping[str, str] | None = None, **more: Any) -> list[Series]:
    """The two counters of a signal that is right in `share(moment)` of its answers."""
    good = counter(lambda t: RATE * share(t), part="good", labels=labels, name="good_total", **more)
    return [good, counter(lambda _: RATE, part="total", labels=labels, name="all_total", **more)]


def drop(at: float, before: float = 0.97, after: float = 0.2) -> Callable[[float], float]:
    """A share that falls at a moment."""
    return lambda t: before if t < at else after


def asked(
    found: Sequence[Series], since: float = 300.0, reach: float | None = 40.0, limit: Limit | None = BELOW
) -> Asked:
    """A signal to be dated, its breach seen at `since`."""
    return Asked(found, b.at(since).timestamp(), reach, limit)


def rollout(at: float, *changes: Change, name: str = "digits-2", revision: str = "2", running: str = "bad") -> Rollout:
    """A roll-out at a moment."""
    return Rollout(
        revision=revision,
        replica_set=name,
        created_at=b.at(at),
        containers=[NamedImage(name=b.CONTAINER, image=b.image(running))],
        replicas=2,
        changes=list(changes),
    )


IMAGE = Change(kind=CauseKind.RELEASE, what="container model: image digits:1 → digits:2")
ENV = Change(kind=CauseKind.ENVIRONMENT, what="container model: THRESHOLD “0.5” → “0.9”")


def pod(name: str, at: float) -> SeenPod:
    """A pod that began at a moment."""
    return SeenPod(name=name, started_at=b.at(at), ready=True)


def evidence(**changes: Any) -> Evidence:
    """Evidence of a workload in which nothing changed for a day, and that dropped at 250 s."""
    values: dict[str, Any] = {
        "frozen_at": b.at(300),
        "took": "10ms",
        "workload": b.seen(b.workload()),
        "pods": [pod("digits-1-a", -86_400), pod("digits-1-b", -86_400)],
        "rollouts": [rollout(-86_400, IMAGE, name="digits-1", revision="1")],
        "series": ratio(drop(250)),
    }
    return Evidence(**{**values, **changes})
