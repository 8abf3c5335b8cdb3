"""The cluster of a replay: models with workloads and pods, made up from what was exported at each moment."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from knowngood.api import API_VERSION, GROUP, LABEL_MODEL
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.incidents.releases import ties_of
from knowngood.shell.replay.roster import Release, Roster, Sighting
from knowngood.shell.store import Key, Store

Raw = dict[str, Any]


class Stage:
    """Writes objects into a store as an API server would give them; nobody else writes.

    Raises ValueError where one cannot be read, which the API server would have refused.
    """

    def __init__(self, store: Store, policy: IncidentPolicy) -> None:
        self._store, self._version = store, 0
        self._raws: dict[tuple[str, Key], Raw] = {}
        self._parts: dict[Key, str] = {}  # what a model's workload and container are called
        self._rosters: dict[Key, Roster] = {}
        self._digests: dict[Key, Mapping[str, str]] = {}
        self._served: dict[Key, dict[Key, Release]] = {}  # by pod, the models' releases
        meta = policy.metadata
        self._write("IncidentPolicy", (meta.namespace, meta.name), {"spec": policy.spec.to_object()})

    def _write(self, kind: str, key: Key, rest: Raw, **meta: Any) -> None:
        self._version += 1
        named = {"namespace": key[0], "name": key[1], "uid": f"{kind}/{key[1]}", "generation": 1}
        made = {"apiVersion": API_VERSION, "kind": kind, "metadata": {**named, **meta}, **rest}
        made["metadata"]["resourceVersion"] = str(self._version)
        self._raws[(kind, key)] = made
        self._store.apply(made)
        entry = self._store.entry(kind, key)
        if entry is None or entry.problem:
            raise ValueError(f"{kind} {key[1]}: {entry.problem if entry else 'not taken'}")

    def write_status(self, kind: str, key: Key, status: Raw) -> None:
        """Write an object's status. Raises KeyError where there is no such object."""
        raw = self._raws[(kind, key)]
        meta = {k: v for k, v in raw["metadata"].items() if k not in ("namespace", "name")}
        self._write(kind, key, {"spec": raw["spec"], "status": status}, **meta)

    def create(self, incident: Mapping[str, Any], created: str) -> None:
        """An incident, created at a time (RFC 3339)."""
        meta = incident["metadata"]
        key = (meta["namespace"], meta["name"])
        self._write("AIIncident", key, {"spec": incident["spec"]}, labels=meta["labels"], creationTimestamp=created)

    def add(self, model: ModelDeployment) -> None:
        """A model, on a workload of its own; of its past only which digest a release label stands for is taken."""
        key, part = (model.metadata.namespace, model.metadata.name), f"m{len(self._parts)}"
        self._parts[key], self._rosters[key] = part, Roster()
        self._digests[key] = ties_of(model.status.releases)
        workload = {"apiVersion": "apps/v1", "kind": "Deployment", "name": part}
        spec = {**model.spec.to_object(), "workloadRef": workload, "container": part, "suspend": False}
        if model.spec.known_good is not None:
            spec["knownGood"] = {"containers": _renamed(spec["knownGood"]["containers"], model.spec.container, part)}
        self._write("ModelDeployment", key, {"spec": spec}, labels=dict(model.metadata.labels))
        template = {"spec": {"containers": [{"name": part, "image": part}]}}
        deployment = {"selector": {"matchLabels": _label(part)}, "template": template}
        self._write("Deployment", (key[0], part), {"spec": deployment}, labels={LABEL_MODEL: key[1]})

    def __contains__(self, key: Key) -> bool:
        return key in self._rosters

    def see(self, key: Key, seen: Collection[Sighting]) -> bool:
        """What is exported of a model now; True where its pods are others than before."""
        roster = self._rosters[key]
        before = roster.pods
        if not roster.see(seen):
            return False
        for name in before.keys() | roster.pods.keys():
            if before.get(name) != roster.pods.get(name):
                self._serve((key[0], name), key, roster.pods.get(name))
        self._tie(key, roster.podless)
        return True

    def _tie(self, key: Key, labels: Collection[str]) -> None:
        """What pods would tell the operator is said to be history already, of labels that name none."""
        raw = self._raws[("ModelDeployment", key)]
        status = raw.get("status", {})
        history = status.get("releases", [])
        tied = {release.get("release") for release in history}
        more = [
            {"digest": self._digest(key, (label,)), "release": label} for label in sorted(labels) if label not in tied
        ]
        if more:
            self.write_status("ModelDeployment", key, {**status, "releases": [*more, *history]})

    def podless(self, key: Key) -> bool:
        """Whether series of the model named a release and no pod."""
        return key in self._rosters and bool(self._rosters[key].podless)

    def _serve(self, pod: Key, model: Key, release: Release | None) -> None:
        """The pod serves the model in this release, or does not any more; several models may share it."""
        served = self._served.setdefault(pod, {})
        if release is None:
            served.pop(model)
        else:
            served[model] = release
        if served:
            self._write_pod(pod, served)
            return
        del self._served[pod], self._raws[("Pod", pod)]
        entry = self._store.entry("Pod", pod)
        if entry is not None:
            self._store.drop("Pod", pod, entry.uid)

    def _write_pod(self, pod: Key, served: Mapping[Key, Release]) -> None:
        images = {self._parts[m]: f"{self._parts[m]}@{self._digest(m, release)}" for m, release in served.items()}
        labels = {k: v for part in images for k, v in _label(part).items()}
        status = [{"name": part, "imageID": image} for part, image in images.items()]
        rest = {
            "spec": {"containers": [{"name": part, "image": image} for part, image in images.items()]},
            "status": {"phase": "Running", "containerStatuses": status},
        }
        self._write("Pod", pod, rest, labels=labels, uid=f"Pod/{pod[1]}/{self._version}")

    def _digest(self, model: Key, release: Release) -> str:
        known = self._digests[model].get(release[0]) if len(release) == 1 else None
        return known or "sha256:" + hashlib.sha256("\0".join((*model, *release)).encode()).hexdigest()


def _label(part: str) -> dict[str, str]:
    return {f"{GROUP}/serves-{part}": "true"}


def _renamed(pins: Collection[Raw], answering: str | None, part: str) -> list[Raw]:
    """A pin's containers, the answering one under its name on the stage."""
    alone = len(pins) == 1
    return [{**pin, "name": part} if alone or pin["name"] == answering else pin for pin in pins]
