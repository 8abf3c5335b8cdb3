"""R4: one object whose writes are refused for ever delays no other; the others' times with it and without it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults import scenes
from tests.faults.cluster import Surroundings
from tests.faults.proxy import Faults, Poison
from tests.faults.world import LateError, World, world

POISONED = "m0"
OTHERS = tuple(f"m{i}" for i in range(1, 9))
PATIENCE = 120.0
SLACK = 2.0  # two polls, by which the same run differs from itself
MOST_TRIES = 60  # of the poison object in any ten seconds: a loop that does not rest makes thousands
PATCH = "PATCH deployments [image] #3"


@dataclass(frozen=True)
class Kind:
    """What is poisoned: all writes of the object whose name begins so, or those of one subresource."""

    plural: str
    name: str
    sub: str | None

    def __str__(self) -> str:
        return f"{self.plural}{'' if self.sub is None else '/' + self.sub if self.sub else ' itself'} {self.name}"


KINDS = (
    Kind("modeldeployments", POISONED, "status"),
    Kind("aiincidents", f"{POISONED}-", "status"),
    Kind("aiincidents", f"{POISONED}-", None),
    Kind("incidentpolicies", "quality", "status"),
    Kind("playbooks", "pin-known-good", "status"),
    Kind("deployments", POISONED, ""),
)
STATUSES = (409, 422)


@dataclass(frozen=True)
class Case:
    """A poison (None: none), and whether another process takes over in the middle."""

    kind: Kind | None = None
    status: int = 409
    takeover: bool = False

    def __str__(self) -> str:
        what = f"{self.kind} always {self.status}" if self.kind else "no poison"
        return what + (", killed in the middle" if self.takeover else "")


@dataclass
class Outcome:
    """Seconds from the break to Contained of each other model, and how often the poison object was tried."""

    case: Case
    times: dict[str, float] = field(default_factory=dict)
    tries: int = 0
    late: str = ""

    @property
    def worst(self) -> float:
        """The slowest of the others."""
        return max(self.times.values(), default=float("inf")) if len(self.times) == len(OTHERS) else float("inf")


def cases() -> list[Case]:
    """Every kind with every status, in one life and in two."""
    return [Case(kind, status, twice) for twice in (False, True) for kind in KINDS for status in STATUSES]


def play(around: Surroundings, case: Case) -> Outcome:
    """Break all models at once; measure the others."""
    found = Outcome(case)
    with world(around, scenes.PROMOTED, [POISONED, *OTHERS]) as made:
        operator = made.operator()
        poison = Poison(case.kind.plural, case.kind.name, case.status, case.kind.sub) if case.kind else None
        if poison is not None:
            operator.proxy.poisons.append(poison)
        operator.start()
        try:
            made.until("the others healthy", PATIENCE, lambda: all(made.healthy(m) for m in OTHERS))
            if case.takeover:
                operator.proxy.arm(PATCH, Faults.KILL_BEFORE.value, operator.kill)
            began = {name: made.break_model(name) for name in (POISONED, *OTHERS)}
            made.until("the others contained", PATIENCE, lambda: _seen(made, began, found.times))
            made.polled(5)
        except LateError as error:
            found.late = str(error)
        found.tries = _most(poison.hits) if poison else 0
    return found


def _seen(made: World, began: dict[str, float], times: dict[str, float]) -> bool:
    items = made.server.get(made.path("AIIncident")).body["items"]
    for item in items:
        name = item["spec"]["modelRef"]["name"]
        contained = [c for c in (item.get("status") or {}).get("conditions") or () if c["type"] == "Contained"]
        if name in OTHERS and name not in times and contained and contained[0]["status"] == "True":
            times[name] = time.monotonic() - began[name]
    return len(times) == len(OTHERS)


def _most(hits: Sequence[float], within: float = 10.0) -> int:
    """The most tries in any ten seconds."""
    return max((sum(at <= other < at + within for other in hits) for at in hits), default=0)


def complaints(found: Outcome, without: Outcome) -> list[str]:
    """Who was delayed, and a poison that is tried without rest."""
    said = [found.late] if found.late else []
    if found.worst > without.worst + SLACK:
        said.append(f"the slowest of the others took {found.worst:.1f} s, without poison {without.worst:.1f} s")
    if found.tries > MOST_TRIES:
        said.append(f"the poison object was tried {found.tries} times in ten seconds")
    return said


def run_all(
    around: Surroundings, found: Sequence[Case], say: Callable[[str], None] | None = None
) -> list[tuple[Outcome, Outcome]]:
    """Each case, one at a time, beside the same run without poison."""
    without = {twice: play(around, Case(takeover=twice)) for twice in sorted({c.takeover for c in found})}
    done = []
    for number, case in enumerate(found, 1):
        outcome = play(around, case)
        done.append((outcome, without[case.takeover]))
        if say is not None:
            say(f"{number}/{len(found)} {case}: {outcome.worst:.1f} s")
    return done
