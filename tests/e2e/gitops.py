"""A GitOps manager as Flux is one: it applies what Git says, server-side and by force, every few seconds."""

import copy
import json
import threading
from collections.abc import Callable

from tests.e2e.cluster import Raw, eventually
from tests.e2e.shown import ShownPlace, without_workload

MANAGER = "kustomize-controller"
KEPT = {"kustomize.toolkit.fluxcd.io/name": "models", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
EVERY = 3.0  # seconds
PATIENCE = 240.0  # the operator beside may be killed, and its Prometheus may fail


class Git(threading.Thread):
    """The repository and the manager that reconciles the model's Deployment with it; begins with a bad commit.

    It outlasts many tests, since the operator waits minutes between its tries, and so runs beside them.
    """

    def __init__(self, place: ShownPlace) -> None:
        super().__init__(daemon=True, name="git")
        place.labels = KEPT
        self.place = place
        self.error: Exception | None = None
        wanted = ("Deployment", "digits")
        self._body: Raw = next(o for o in place.objects(None) if (o["kind"], o["metadata"]["name"]) == wanted)
        self._end = threading.Event()

    def commit(self, image: str) -> None:
        """Another image."""
        body = copy.deepcopy(self._body)
        body["spec"]["template"]["spec"]["containers"][0]["image"] = image
        self._body = body

    def reconcile(self) -> None:
        """Apply what Git says."""
        how = ["apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}", "-f", "-"]
        self.place.cluster(*how, stdin=json.dumps(self._body))

    def run(self) -> None:
        """Serve well, then commit the bad release, and put it back for ever."""
        try:
            without_workload(self.place, self.place.cluster)
            self.reconcile()
            self.place.kubectl("rollout", "status", "deployment/digits", "--timeout=120s")
            eventually("healthy as Git says", PATIENCE, lambda: self._end.is_set() or self.place.healthy())
            self.commit(self.place.bad)
            while not self._end.wait(EVERY):
                self.reconcile()
        except Exception as error:
            self.error = error

    def wait_for(self, what: str, seconds: float, look: Callable[[], object]) -> object:
        """As `eventually`, and ends at once where the thread did."""

        def looked() -> object:
            if self.error is not None:
                raise self.error
            return look()

        return eventually(what, seconds, looked)

    def stop(self) -> None:
        """Reconcile no more."""
        self._end.set()
        self.join(30)
