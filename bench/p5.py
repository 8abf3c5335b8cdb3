"""P5: from a breach that a separate observer sees in Prometheus to the patch that the API server accepted, and with a
warm standby from the verdict to the callers who are answered by it."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

from bench.installed import installed
from bench.result import Result, percentile, result
from knowngood.api.durations import seconds
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.signals.answer import parse_answer
from knowngood.core.signals.compiled import CompiledSignal, compile_policy
from lab.model.releases import BAD
from tests.e2e.cluster import Audit, Cluster, Place, eventually
from tests.e2e.install import Images
from tests.e2e.rerouted import Rerouted, rerouted
from tests.e2e.shown import ShownPlace

SYSTEM = "knowngood-bench"
NAMESPACES = [f"bench-{i}" for i in range(4)]
STANDBY = "bench-standby"
USER = f"system:serviceaccount:{SYSTEM}:{SYSTEM}"
QUICK, WHOLE = 3, 13  # rounds of four incidents
ALLOWED_OVERHEAD = 0.1
AT_ONCE = 1.0  # seconds from the verdict to the standby's first answer
LOOK_EVERY = 0.05


@dataclass(frozen=True)
class Timing:
    """One incident, in seconds."""

    to_patch: float
    frozen: float
    bound: float


class Observer(threading.Thread):
    """Asks Prometheus itself, with the operator's expression, and never the operator."""

    def __init__(self, url: str, place: Place, release: str) -> None:
        super().__init__(daemon=True)
        self._url, self._release = url, release
        self.signal = _signal(place)
        self.seen_at: float | None = None
        self._end = threading.Event()

    def sees(self) -> bool:
        """Whether the release is in breach now, as Prometheus alone shows it."""
        answer = requests.post(f"{self._url}/api/v1/query", data={"query": self.signal.query}, timeout=10)
        return self._breached(answer.content, answer.status_code, time.time())

    def sees_nothing(self) -> bool:
        """The contrary, for a wait."""
        return not self.sees()

    def run(self) -> None:
        """Look until the breach is there."""
        session = requests.Session()
        while not self._end.is_set() and self.seen_at is None:
            moment = time.time()
            answer = session.post(f"{self._url}/api/v1/query", data={"query": self.signal.query}, timeout=10)
            if self._breached(answer.content, answer.status_code, moment):
                self.seen_at = moment
            self._end.wait(LOOK_EVERY)

    def _breached(self, body: bytes, status: int, moment: float) -> bool:
        threshold = self.signal.detector.threshold
        if threshold is None or threshold.below is None:
            raise ValueError("the bench's policy has a threshold")
        samples = self.signal.decode(parse_answer(status, body).rows, moment)
        return any(
            s.labels.get("release") == self._release
            and s.value is not None
            and s.value < threshold.below
            and (s.count or 0) >= threshold.min_samples
            for s in samples
        )

    def stop(self) -> None:
        """Look no more."""
        self._end.set()
        self.join(15)


def _signal(place: Place) -> CompiledSignal:
    policy = IncidentPolicy.from_object(place.policy())
    model = ModelDeployment.from_object(place.model(place.good))
    return compile_policy(policy, [model]).signals[0]


def _round(env: dict[str, str], places: list[Place]) -> list[Timing]:
    for place in places:
        place.reset(place.good)
    audit = Audit(env["AUDIT_LOG"])
    observers = [Observer(env["PROMETHEUS_URL"], place, BAD) for place in places]
    found = []
    for observer, place in zip(observers, places, strict=True):
        # what the last round left in the window is not this round's breach
        eventually(f"{place.namespace} without an old breach", 60, observer.sees_nothing)
        place.set_image(place.bad)
        observer.start()
        found.append(_contained(place))
        observer.stop()
    timings = []
    for observer, place, incident in zip(observers, places, found, strict=True):
        (patch,) = audit.pins(place.namespace, USER)
        accepted = datetime.fromisoformat(patch["stageTimestamp"].replace("Z", "+00:00")).timestamp()
        if observer.seen_at is None:
            raise SystemExit(f"{place.namespace}: the observer never saw the breach")
        frozen = seconds(incident["status"]["evidence"]["took"])
        threshold = observer.signal.detector.threshold
        hold = seconds(threshold.for_) if threshold else 0.0
        print(f"    {place.namespace}: breach seen {_shown(observer.seen_at)}, patched {_shown(accepted)}", flush=True)
        timings.append(Timing(accepted - observer.seen_at, frozen, observer.signal.interval + hold + frozen))
    return timings


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[11:23]


def _contained(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = eventually(f"{place.namespace} contained", 90, lambda: place.in_phase("Contained"))
    return found


def _standby(env: dict[str, str], cluster: Cluster, releases: Images, times: int) -> list[Rerouted]:
    """As often the same incident of a model with a warm standby."""
    place = ShownPlace(cluster, STANDBY, *releases, plays="standby-then-pin")
    place.begin()
    found = []
    for _ in range(times):
        place.reset(place.good)
        found.append(rerouted(place, Audit(env["AUDIT_LOG"]), USER))
        print(f"    {STANDBY}: new connections moved {found[-1].moved:.3f} s after the verdict", flush=True)
    place.end()
    return found


def _rows_of(standby: list[Rerouted]) -> list[tuple[str, str]]:
    def shown(values: list[float]) -> str:
        return f"{percentile(values, 0.5):.3f}, {max(values):.3f}"

    return [
        ("incidents with a warm standby", str(len(standby))),
        ("verdict to new connections answered by the standby, s (p50, largest)", shown([r.moved for r in standby])),
        ("verdict to the pin's patch there, s (p50, largest)", shown([r.patched for r in standby])),
        (
            "verdict to the suspect's last answer on a kept connection, s (p50, largest)",
            shown([r.kept for r in standby]),
        ),
        ("new connections without an answer after the verdict", str(sum(r.unanswered for r in standby))),
    ]


def run(prove: bool) -> Result:
    """The 99th percentile of the time beyond interval + `for` + FreezeEvidence, in seconds."""
    with installed(SYSTEM, [*NAMESPACES, STANDBY]) as (env, cluster, releases):
        standby = _standby(env, cluster, releases, WHOLE if prove else QUICK)
        places = [Place(cluster, namespace, *releases) for namespace in NAMESPACES]
        for place in places:
            cluster.apply(*place.objects(place.good))
        timings = [t for _ in range(WHOLE if prove else QUICK) for t in _round(env, places)]
    beyond = percentile([t.to_patch - t.bound for t in timings], 0.99)
    total = [t.to_patch for t in timings]
    rows = [
        ("incidents, one at a time, interval 1s and for 1s", str(len(timings))),
        ("breach visible to patch, s (p50, p99)", f"{percentile(total, 0.5):.3f}, {percentile(total, 0.99):.3f}"),
        ("allowed: interval + for + freezing, s (largest)", f"{max(t.bound for t in timings):.3f}"),
        ("time in FreezeEvidence, s (p99)", f"{percentile([t.frozen for t in timings], 0.99):.3f}"),
        *_rows_of(standby),
    ]
    goal = (
        f"p99 <= interval + for + FreezeEvidence + {ALLOWED_OVERHEAD} s, so at most {ALLOWED_OVERHEAD} beyond; with a"
    )
    goal += f" standby, new connections answered by it <= {AT_ONCE:g} s after the verdict"
    ok = beyond <= ALLOWED_OVERHEAD and all(0 < r.moved <= AT_ONCE and r.moved < r.back for r in standby)
    floor = f"interval + for = {timings[0].bound - timings[0].frozen:g} s"
    note = (
        "Argo Rollouts: abort at most 0.97 x interval after the breach (its own analysis, no evidence; not rerun here)"
    )
    return result("P5", round(beyond, 3), "s beyond", goal, ok, note, floor, rows)
