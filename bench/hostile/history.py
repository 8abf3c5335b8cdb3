"""Every version of every incident, in the order in which the API server stored them."""

import json
import threading
from collections import Counter
from dataclasses import dataclass, field

import requests

from bench.hostile.ground import Ground, Raw, collection
from knowngood.api.aiincident import AIIncident
from knowngood.core.incidents.record import is_over
from knowngood.core.response.limits import takes_room


@dataclass
class History(threading.Thread):
    """Follows a watch; ``most`` are the most containments that stood at one moment, in all and of one namespace."""

    ground: Ground
    most: int = 0
    most_of_one: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    latest: dict[str, AIIncident] = field(default_factory=dict)
    largest: int = 0
    ever_stood: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._end = threading.Event()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Read until ended."""
        api = self.ground.api
        while not self._end.is_set():
            try:
                with requests.get(
                    api.url + collection("AIIncident") + "?watch=1&resourceVersion=0&timeoutSeconds=3600",
                    headers={"Authorization": f"Bearer {api.token}"},
                    verify=str(api.authority),
                    stream=True,
                    timeout=(5, 3_600),
                ) as answer:
                    for line in answer.iter_lines():
                        self._take_in(json.loads(line), len(line))
            except (requests.RequestException, AttributeError):
                self._end.wait(0.2)

    def _take_in(self, event: Raw, size: int) -> None:
        raw = event["object"]
        if event["type"] not in ("ADDED", "MODIFIED"):
            self.latest.pop(raw["metadata"].get("uid", ""), None)
            return
        uid = raw["metadata"]["uid"]
        incident = AIIncident.from_object(raw)
        self.versions[uid] += 1
        self.largest = max(self.largest, size)
        before = self.latest.get(uid)
        self.latest[uid] = incident
        stands = _stands(incident)
        if stands:
            self.ever_stood.add(uid)
        if stands and not (before and _stands(before)):
            standing = Counter(i.metadata.namespace for i in self.latest.values() if _stands(i))
            self.most = max(self.most, sum(standing.values()))
            self.most_of_one = max(self.most_of_one, *standing.values())

    def end(self) -> None:
        """Follow no more."""
        self._end.set()


def _stands(incident: AIIncident) -> bool:
    return takes_room(incident.status) and not is_over(incident)
