"""The variables of a pin as a plan holds them: shown to whoever approves it, and by a digest of all that is written."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import orjson

from knowngood.api.observed import NamedImage
from knowngood.api.plan import PlanKnownGood, PlanVariable
from knowngood.core.incidents.evidence import CUT, MAX_VALUE, env_value
from knowngood.core.incidents.record import clipped
from knowngood.core.response.knowngood import Candidate, Pin

MOST = 64  # variables that a plan shows


def known_good(candidate: Candidate) -> PlanKnownGood:
    """The release as a plan names it."""
    return PlanKnownGood(
        containers=[NamedImage(name=p.container, image=p.image) for p in candidate.pins],
        env=shown(candidate.pins),
        env_digest=digest(candidate.pins),
        source=candidate.source,
    )


def digest(pins: Iterable[Pin]) -> str:
    """A digest of every variable that the pins set or remove, whatever their order; empty where there is none."""
    found = sorted([p.container, sorted(p.env), sorted(p.remove_env)] for p in pins if p.env or p.remove_env)
    return "sha256:" + hashlib.sha256(orjson.dumps(found)).hexdigest() if found else ""


def shown(pins: Iterable[Pin]) -> list[PlanVariable]:
    """The pins' variables as a plan shows them; a list that is too long says where it ends."""
    found = [variable for pin in pins for variable in _variables(pin)]
    if len(found) <= MOST:
        return found
    return [*found[: MOST - 1], PlanVariable(container=found[MOST - 1].container, name=CUT)]


def _variables(pin: Pin) -> Iterator[PlanVariable]:
    for name, value in pin.env:
        if _open(name, value):
            yield PlanVariable(container=pin.container, name=name, value=value)
        else:
            hidden = "sha256:" + hashlib.sha256(value.encode()).hexdigest()
            yield PlanVariable(container=pin.container, name=name, digest=hidden)
    for name in pin.remove_env:
        yield PlanVariable(container=pin.container, name=name, removed=True)


def _open(name: str, value: str) -> bool:
    return len(value) <= MAX_VALUE and env_value(name, value) == value


def restored(found: PlanKnownGood) -> tuple[Pin, ...]:
    """The pins as far as the plan alone tells: without the values that it does not show."""
    return tuple(
        Pin(
            c.name,
            c.image,
            tuple((v.name, v.value) for v in found.env if v.container == c.name and v.value is not None),
            tuple(v.name for v in found.env if v.container == c.name and v.removed),
        )
        for c in found.containers
    )


def summary(pins: Sequence[Pin]) -> str:
    """What is pinned, as a sentence."""
    return clipped("pin " + ", ".join(_said(pin) for pin in pins))


def _said(pin: Pin) -> str:
    found = shown([pin])
    written = [f"{v.name}={v.value if v.value is not None else v.digest[:19]}" for v in found if not v.removed]
    removed = [v.name for v in found if v.removed]
    with_these = f" with {', '.join(written)}" if written else ""
    return f"{pin.container} to {pin.image}{with_these}" + (f" without {', '.join(removed)}" if removed else "")
