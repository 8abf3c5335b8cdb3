"""The variables that go with a pin: what stands there, what the evidence shows of it, and what a pin takes away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.evidence import CUT, env_value, same_value
from knowngood.core.response.facts import Facts
from knowngood.core.response.knowngood import Pin
from knowngood.core.response.noted import LONGEST, Noted


def names_of(pin: Pin) -> list[str]:
    """The variables that the pin writes or removes."""
    return [*(name for name, _ in pin.env), *pin.remove_env]


def recorded(facts: Facts) -> dict[str, dict[str, str]]:
    """Variables by container, as the evidence shows them."""
    evidence = facts.incident.status.evidence
    if evidence is None or evidence.workload is None:
        return {}
    seen = (*evidence.workload.containers, *evidence.workload.init_containers)
    return {c.name: {e.name: e.value for e in c.env} for c in seen}


def put_back(pin: Pin, noted: Noted, evidence: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]] | None:
    """The patch by which the pin's variables are as they were; None where one of them is not known."""
    found = []
    for name in names_of(pin):
        key = f"{pin.container}/{name}"
        if key in noted:
            found.append(entry(name, noted[key]))
        elif not _unchanged(name, pin, evidence):
            return None
    return found


def entry(name: str, value: str | None) -> dict[str, str]:
    """How a strategic merge patch writes a variable; None takes it away."""
    return {"name": name, "$patch": "delete"} if value is None else {"name": name, "value": value}


def _unchanged(name: str, pin: Pin, evidence: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the pin wrote what stood there already, or took away what was not there."""
    before, wanted = evidence.get(pin.container, {}), dict(pin.env)
    if name in wanted:
        return name in before and same_value(before[name], name, wanted[name])
    return name not in before and CUT not in before


def taken(workload: Workload, pins: Sequence[Pin]) -> dict[str, str | None]:
    """What the pins take away of variables; what may be secret, or comes from elsewhere, is written down nowhere."""
    found: dict[str, str | None] = {}
    for pin in pins:
        container, wanted = workload.declared(pin.container), dict(pin.env)
        env = dict(container.env) if container else {}
        for name in names_of(pin):
            value, key = env.get(name), f"{pin.container}/{name}"
            if name not in env and name in wanted:
                found[key] = None
            elif value is not None and wanted.get(name) != value and _open(name, value):
                found[key] = value
    return found


def _open(name: str, value: str) -> bool:
    """Whether the value may be written down: short, and nothing that may be secret."""
    return len(value) <= LONGEST and not env_value(name, value).startswith("sha256:")


def as_seen(facts: Facts, workload: Workload, pins: Sequence[Pin]) -> bool:
    """Whether the variables that the pin would write are still as the evidence shows them."""
    return all(one.as_recorded for one in _standing(facts, workload, pins))


def as_seen_or_pinned(facts: Facts, workload: Workload, pins: Sequence[Pin]) -> bool:
    """Whether nobody gave the pins' variables other values: who puts images back may leave ours where they are."""
    return all(one.pinned or one.as_recorded for one in _standing(facts, workload, pins))


def left(facts: Facts, workload: Workload, pins: Sequence[Pin]) -> tuple[str, ...]:
    """The pins' variables that are as pinned and not as the evidence shows them: who put images back left them."""
    return tuple(one.name for one in _standing(facts, workload, pins) if one.pinned and not one.as_recorded)


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a variable of a pin is declared now; ``name`` with its container's."""

    name: str
    pinned: bool
    as_recorded: bool


def _standing(facts: Facts, workload: Workload, pins: Sequence[Pin]) -> Iterator[_Standing]:
    """Each variable of the pins whose container the evidence shows."""
    before = recorded(facts)
    for pin in pins:
        container, seen, wanted = workload.declared(pin.container), before.get(pin.container), dict(pin.env)
        now = dict(container.env) if container else {}
        if seen is not None:
            for name in names_of(pin):
                key = f"{pin.container}/{name}"
                yield _Standing(key, _pinned(name, now, wanted), _as_recorded(name, seen, now))


def _pinned(name: str, now: Mapping[str, str | None], wanted: Mapping[str, str]) -> bool:
    return name in now and now[name] == wanted[name] if name in wanted else name not in now


def _as_recorded(name: str, seen: Mapping[str, str], now: Mapping[str, str | None]) -> bool:
    if name not in seen:
        return CUT in seen or name not in now
    return name in now and same_value(seen[name], name, now[name])
