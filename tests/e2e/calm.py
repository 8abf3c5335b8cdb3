"""A model in health to which happens what happens to healthy models: good releases, scaling, restarts, more traffic."""

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.cluster import Cluster, Place, Raw, eventually

NAMESPACE = "e2e-calm"
ROLL_OUT = "120s"
LEARNERS = {"decay", "feedback", "scores", "inputs"}
LONGEST_LESSON = 300.0  # seconds
LEARNS, DIAL = {"windows": 20}, {"falseAlarmEvery": "30d"}


class CalmPlace(Place):
    """A namespace with that model, and a policy that looks at it in every way that its metrics allow."""

    def policy(self, mode: str = "Automatic") -> Raw:
        """Accuracy in four ways, leaks that never come, feedback by requests, and two distributions."""
        found = super().policy(mode)
        right = {"ratio": {"good": "model_feedback_correct_total", "total": "model_feedback_total", "window": "8s"}}
        beside = {"against": "KnownGood", "direction": "Down", "minEffect": 0.05, "minSamples": 50, **DIAL}
        # 19 of 22 are below 0.9 once in forty windows of a model that is right 97 times in a hundred
        found["spec"]["signals"][0]["detector"]["threshold"]["minSamples"] = 100
        found["spec"]["signals"] += [
            _signal("decay", "ModelFailure", right, {"change": {"direction": "Down", **DIAL}}),
            _signal("slide", "ModelFailure", right, {"trend": {"direction": "Down", "over": "10m", **DIAL}}),
            _signal("beside", "ModelFailure", right, {"comparison": beside}),
            _signal("leaks", "PrivacyBreach", _events("model_output_pii_total"), {"occurrence": {}}),
            _signal("feedback", "AdversarialAttack", _events("model_feedback_total"), {"burst": DIAL}),
            _signal("scores", "DataDrift", _histogram("model_score"), {"drift": {"minSamples": 50, **DIAL}}),
            _signal("inputs", "DataDrift", _histogram("model_input_mean"), {"drift": {"minSamples": 50, **DIAL}}),
        ]
        found["spec"]["learning"] = LEARNS
        return found


def _events(metric: str) -> Raw:
    return {"events": {"metric": metric, "exposure": "model_requests_total", "window": "8s"}}


def _histogram(metric: str) -> Raw:
    return {"histogram": {"metric": metric, "window": "8s"}}


def _signal(name: str, type: str, given: Raw, detector: Raw) -> Raw:
    return {"name": name, "type": type, "severity": "High", **given, "detector": detector}


@dataclass
class Happened:
    """How often, of each kind."""

    roll_outs: int = 0
    scalings: int = 0
    restarts: int = 0
    more_traffic: int = 0


class Calm:
    """Lets things happen to the model, one after another, in a thread of its own, and notes what its signals said."""

    def __init__(self, place: CalmPlace, seed: int = 1) -> None:
        self.place, self.happened = place, Happened()
        self.healthy: set[str] = set()  # signals that were once
        self.error: BaseException | None = None
        self.begun = 0.0  # monotonic seconds
        self._chance, self._end = random.Random(seed), threading.Event()
        self._thread = threading.Thread(target=self._run, name="calm", daemon=True)

    def start(self) -> None:
        """Install all, and begin."""
        self.place.cluster.apply(*self.place.objects(None))
        self.place.kubectl("rollout", "status", "deployment/digits", f"--timeout={ROLL_OUT}")
        self.begun = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Let nothing more happen; raises what a step of it raised."""
        self._end.set()
        self._thread.join(180)
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            for step in itertools.cycle((self._restart, self._grow, self._more_traffic, self._roll_out)):
                if self._end.wait(self._chance.uniform(6, 12)):
                    return
                step()
                self.look()
        except Exception as error:
            self.error = error

    def look(self) -> None:
        """Note which signals are healthy now."""
        found = self.place.cluster.get("modeldeployment", "digits", "-n", self.place.namespace)
        items = found.get("status", {}).get("signals", {}).get("items", [])
        self.healthy |= {i["name"] for i in items if i["verdict"] == "Healthy"}

    def _roll_out(self) -> None:
        if not self.healthy >= LEARNERS and time.monotonic() < self.begun + LONGEST_LESSON:
            return
        now = self.place.image()
        self.place.set_image(self.place.better if now == self.place.good else self.place.good)
        self._rolled_out()
        self.happened.roll_outs += 1

    def _grow(self) -> None:
        for replicas in (2, 1):
            self.place.kubectl("scale", "deployment/digits", f"--replicas={replicas}")
            self._rolled_out()
            self.happened.scalings += 1
            self._end.wait(self._chance.uniform(2, 6))

    def _restart(self) -> None:
        self.place.kubectl("rollout", "restart", "deployment/digits")
        self._rolled_out()
        self.happened.restarts += 1

    def _more_traffic(self) -> None:
        for replicas in (3, 1):
            self.place.kubectl("scale", "deployment/traffic", f"--replicas={replicas}")
            self._end.wait(self._chance.uniform(6, 12))
            self.happened.more_traffic += 1

    def _rolled_out(self) -> None:
        self.place.kubectl("rollout", "status", "deployment/digits", f"--timeout={ROLL_OUT}")


def calm_place(cluster: Cluster, releases: tuple[str, str, str], namespace: str = NAMESPACE) -> CalmPlace:
    """The place in a namespace that exists."""
    return CalmPlace(cluster, namespace, *releases)


def wait_until(calm: Calm, what: str, seconds: float, look: Callable[[], object]) -> None:
    """As `eventually`, and ends at once where the thread did."""

    def looked() -> bool:
        if calm.error is not None:
            raise calm.error
        return bool(look())

    eventually(what, seconds, looked)
