"""R6: two replicas; the leader is stopped at one of its writes for twice its lease, and continued."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.faults import run
from tests.faults.cluster import Surroundings, created
from tests.faults.matrix import LEASES, Recording, differences
from tests.faults.process import DEFAULT, Lease, Operator
from tests.faults.proxy import STOPS, Faults
from tests.faults.scenes import Scene
from tests.faults.world import LateError, World, world

SHORT = Lease(6.0, 4.0, 1.0)
AT_ONCE = 8
LIMIT_OF_DEFAULT = 30.0
LEASE = "knowngood-operator"
INTENT = "PATCH aiincidents/status [Analysed evidence=Done pin=Intended]"
PATCH = "PATCH deployments [image]"
RENEWAL = "PUT leases #3"


@dataclass(frozen=True)
class Stopped:
    """Where the leader is stopped: with its write on the way to the API server, or the answer on the way back."""

    scene: Scene
    place: str
    fault: Faults
    lease: Lease = SHORT

    @property
    def limit(self) -> float:
        """Seconds within which the successor has to act: 30 with the default lease, and in proportion."""
        return LIMIT_OF_DEFAULT * self.lease.duration / DEFAULT.duration

    def __str__(self) -> str:
        return f"{self.scene.name}: {self.fault.value.name}: {self.place}"


@dataclass
class Takeover:
    """What became of it."""

    case: Stopped
    reached: bool = False
    accepted: list[str] = field(default_factory=list)  # writes of the one that was stopped, after it was continued
    refused: int = 0
    acted_after: float | None = None  # seconds from the stop to the successor's first write
    outcome: run.Outcome | None = None
    late: str = ""


def cases(recording: Recording, lease: Lease = SHORT) -> list[Stopped]:
    """A stop at every write of the run, and at a renewal of the Lease."""
    places = [*(p for p in recording.places if p not in LEASES), RENEWAL]
    return [Stopped(recording.scene, place, fault, lease) for fault in STOPS for place in places]


def whole(recordings: Sequence[Recording]) -> list[Stopped]:
    """A stop at every write, each once, however many scenes have it."""
    made: list[Stopped] = []
    known: set[str] = set()
    for recording in recordings:
        made += [c for c in cases(recording) if c.place not in known]
        known |= set(recording.places)
    return made


def play(around: Surroundings, case: Stopped) -> Takeover:
    """Run one case."""
    with world(around, case.scene, [run.MODEL]) as made:
        first, second = (made.operator(name, case.lease) for name in ("first", "second"))
        found = Takeover(case)
        stop = _Stop(around, first, case.lease)
        first.proxy.arm(case.place, case.fault.value, stop.strike)
        try:
            _take_places(made, first, second)
            run.story(made)
            made.until(
                "continued", run.PATIENCE, lambda: stop.continued_at is not None or not first.proxy.fired.is_set()
            )
            _calm(made, first)
        except LateError as error:
            found.late = str(error)
        return _judged(made, first, second, stop, found)


def _take_places(made: World, first: Operator, second: Operator) -> None:
    """The standby stands before the leader begins, so that it is there at whatever write that one is stopped."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{made.namespace}/leases"
    spec = {"holderIdentity": first.identity, "leaseDurationSeconds": int(first.lease.duration), "acquireTime": _now()}
    created(made.server, path, {"metadata": {"name": LEASE}, "spec": {**spec, "renewTime": _now()}})

    def reserved(operator: Operator) -> bool:
        if not first.proxy.reads["leases"]:
            made.server.patch(f"{path}/{LEASE}", {"spec": {"renewTime": _now()}})
        return operator.proxy.reads["leases"] > 0

    second.start()
    made.until("a standby", run.PATIENCE, lambda: reserved(second))
    first.start()
    made.until("a leader", run.PATIENCE, lambda: reserved(first) and any(w.committed for w in first.proxy.leases))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class _Stop:
    """SIGSTOP at the strike; after twice the lease, SIGCONT, and what was held goes on its way."""

    def __init__(self, around: Surroundings, leader: Operator, lease: Lease) -> None:
        self._around, self._leader, self._lease = around, leader, lease
        self.stopped_at: float | None = None
        self.continued_at: float | None = None

    def strike(self) -> None:
        self._leader.signal(signal.SIGSTOP)
        self.stopped_at = time.monotonic()
        timer = threading.Timer(2 * self._lease.duration, self._go_on)
        timer.daemon = True
        timer.start()

    def _go_on(self) -> None:
        self.continued_at = time.monotonic()
        self._leader.signal(signal.SIGCONT)
        self._leader.proxy.release()


def _calm(made: World, first: Operator) -> None:
    """Until the one that was stopped has looked at the Lease as often as it does within its deadline."""
    looks = first.proxy.reads["leases"]
    wanted = looks + 2 + round(first.lease.deadline / first.lease.retry)
    made.until("the former leader looks at the Lease", run.PATIENCE, lambda: first.proxy.reads["leases"] >= wanted)
    made.polled(2)


def _judged(made: World, first: Operator, second: Operator, stop: _Stop, found: Takeover) -> Takeover:
    found.reached = first.proxy.fired.is_set()
    found.outcome = run.outcome_of(made, run.Case(found.case.scene), found.late)
    if stop.continued_at is None or stop.stopped_at is None:
        return found
    began, stopped = stop.continued_at, stop.stopped_at
    after = [w for w in (*first.proxy.writes, *first.proxy.leases) if w.answered_at > began]
    found.accepted = [f"{w.place} {w.name}" for w in after if w.committed]
    found.refused = sum(not w.committed for w in after)
    acts = [w.answered_at for w in second.proxy.writes if w.committed and w.answered_at > stopped]
    found.acted_after = min(acts) - stopped if acts else None
    return found


def complaints(found: Takeover, recording: Recording) -> list[str]:
    """What the former leader did, the successor left undone, or both did."""
    said = [f"accepted from the former leader: {what}" for what in found.accepted]
    if found.late:
        said.append(found.late)
    if found.acted_after is not None and found.acted_after > found.case.limit:
        said.append(f"the successor acted after {found.acted_after:.1f} s, not within {found.case.limit:g} s")
    if found.outcome is None:
        return [*said, "no end"]
    said += differences(recording.end, found.outcome.end)
    if found.outcome.effects != recording.scene.effects:
        said.append(f"{', '.join(found.outcome.effects)}, not {', '.join(recording.scene.effects)}")
    said += [f"{count} Events {reason}" for reason, count in found.outcome.events.items() if count > 1]
    lost = sorted(recording.events.keys() - found.outcome.events.keys())
    return said + ([f"Events lost: {', '.join(lost)}"] if lost else [])


def run_all(around: Surroundings, found: Sequence[Stopped], say: Callable[[str], None] | None = None) -> list[Takeover]:
    """Run cases, several at once."""
    done: list[Takeover] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for one in pool.map(lambda case: play(around, case), found):
            done.append(one)
            if say is not None:
                say(f"{len(done)}/{len(found)} {one.case}")
    return done
