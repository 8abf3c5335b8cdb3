"""A caller of a Service that never asks the operator: who answers its new connections, and who one that it keeps."""

import http.client
import json
import threading
import time
from dataclasses import dataclass

from tests.e2e.cluster import Cluster

EVERY = 0.02  # seconds


@dataclass(frozen=True)
class Asked:
    """One request: when it began, and the release that answered; none where nobody did."""

    at: float
    release: str


class Caller(threading.Thread):
    """Asks all the time, by a new connection each, or by one that is kept until the other side closes it."""

    def __init__(self, cluster: Cluster, namespace: str, keep: bool = False, service: str = "digits") -> None:
        super().__init__(daemon=True)
        spec = cluster.get("service", service, "-n", namespace)["spec"]
        self._host, self._port, self._keep = spec["clusterIP"], spec["ports"][0]["port"], keep
        self._end = threading.Event()
        self.asked: list[Asked] = []

    def run(self) -> None:
        """Ask until stopped."""
        connection = self._new()
        while not self._end.wait(EVERY):
            at = time.time()
            try:
                connection.request("GET", "/healthz")
                answer = connection.getresponse()
                closing = answer.will_close
                release = str(json.loads(answer.read())["release"])
            except (OSError, http.client.HTTPException, ValueError):
                release, closing = "", True
            self.asked.append(Asked(at, release))
            if closing or not self._keep:
                connection.close()
                connection = self._new()
        connection.close()

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port, timeout=2)

    def heard(self, release: str) -> bool:
        """Whether that release ever answered."""
        return any(a.release == release for a in self.asked)

    def stop(self) -> list[Asked]:
        """Ask no more; what was asked."""
        self._end.set()
        self.join(10)
        return self.asked


def last_of(asked: list[Asked], release: str) -> float:
    """When the last request began that this release answered."""
    return max(a.at for a in asked if a.release == release)


def first_after(asked: list[Asked], moment: float) -> Asked:
    """The first that was answered of those that began later."""
    return next(a for a in asked if a.at > moment and a.release)
