"""What this process knows of the cluster: objects by kind and name, always the newest version seen.

Fed by watches, by a periodic list that also drops what a gap in a watch hid, and by the answers to our own writes,
so that a decision never rests on less than what we wrote ourselves. Resource versions are compared as numbers, which
the API allows for objects of one kind.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog

from knowngood.api.aiincident import AIIncident
from knowngood.api.base import InvalidObjectError
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.playbook import Playbook
from knowngood.core.facts.labels import Selector
from knowngood.core.facts.workload import Pod, Workload, read_pod, read_workload
from knowngood.core.incidents.neighbours import Neighbour
from knowngood.core.incidents.record import is_over
from knowngood.core.response.ledger import Ledger
from knowngood.shell.incidentindex import IncidentIndex
from knowngood.shell.selecting import Selecting

Key = tuple[str, str]  # namespace, name
Raw = dict[str, Any]
log = structlog.get_logger()

READERS: dict[str, Callable[[Raw], Any]] = {
    "ModelDeployment": ModelDeployment.from_object,
    "IncidentPolicy": IncidentPolicy.from_object,
    "Playbook": Playbook.from_object,
    "AIIncident": AIIncident.from_object,
    "Deployment": read_workload,
    "StatefulSet": read_workload,
    "Rollout": read_workload,
    "Pod": read_pod,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as read, or the problem that it could not be; uid and version as the API gave them."""

    uid: str
    version: int
    value: Any
    problem: str = ""


@dataclass
class Table:
    """The objects of one kind."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)  # by uid: no event up to this version is believed


Listener = Callable[[str, Key, Any], None]
FOR_GOOD = 2**64
"""Later than any version: an object that was deleted does not come back under its uid."""


class Store:
    """Tables by kind, and who wants to know of changes."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {kind: Table() for kind in READERS}
        self._pods: dict[tuple[str, str, str], dict[str, Pod]] = {}  # by namespace and each label
        self._indexed: dict[Key, Pod] = {}
        self._left: Pod | None = None  # what the pod was that changes at this moment
        self._served_by: dict[tuple[str, Key], set[Key]] = {}  # models by kind and name of their workload
        self._workload_of: dict[Key, tuple[str, Key]] = {}
        self._incidents = IncidentIndex()
        self._selecting = Selecting()
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener(kind, key, value or None)`` after each change."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Call ``listener`` no more."""
        self._listeners.remove(listener)

    def apply(self, raw: Raw) -> None:
        """Take in an object as the API gave it, unless a newer version is known."""
        kind, meta = raw["kind"], raw["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        table, version = self._tables[kind], int(meta["resourceVersion"])
        known = table.entries.get(key)
        if version <= table.gone.get(meta["uid"], -1) or (
            known and known.uid == meta["uid"] and version <= known.version
        ):
            return
        table.gone.pop(meta["uid"], None)
        table.entries[key] = self._read(kind, key, raw, version)
        self._changed(kind, key)

    def _read(self, kind: str, key: Key, raw: Raw, version: int) -> Entry:
        uid = raw["metadata"]["uid"]
        try:
            return Entry(uid, version, READERS[kind](raw))
        except InvalidObjectError as error:
            log.warning("object not understood", kind=kind, namespace=key[0], name=key[1], problem=str(error))
            return Entry(uid, version, None, str(error))

    def keeps(self, kind: str) -> bool:
        """Whether objects of that kind are kept here."""
        return kind in self._tables

    def remove(self, raw: Raw) -> None:
        """The object is gone."""
        meta = raw["metadata"]
        self.drop(raw["kind"], (meta.get("namespace", ""), meta["name"]), meta["uid"])

    def drop(self, kind: str, key: Key, uid: str, version: int = FOR_GOOD) -> None:
        """The object with this uid is none of ours as of ``version``; another of the same name stays."""
        table = self._tables[kind]
        known = table.entries.get(key)
        table.gone[uid] = version
        while len(table.gone) > 10_000:
            table.gone.pop(next(iter(table.gone)))
        if known is not None and known.uid == uid:
            del table.entries[key]
            self._changed(kind, key)

    def replace_all(self, kind: str, items: Iterable[Raw], began: dict[Key, Entry], version: int) -> None:
        """Take in a full list as of ``version``; of ``began``, the entries before it, what the list has not is gone."""
        listed: set[str] = set()
        for raw in items:
            listed.add(raw["metadata"]["uid"])
            self.apply(raw)
        for key, entry in began.items():
            if entry.uid not in listed:
                self.drop(kind, key, entry.uid, version)

    def snapshot(self, kind: str) -> dict[Key, Entry]:
        """The entries of a kind as they are now."""
        return dict(self._tables[kind].entries)

    def entry(self, kind: str, key: Key) -> Entry | None:
        """An entry with its uid and version."""
        return self._tables[kind].entries.get(key)

    def _changed(self, kind: str, key: Key) -> None:
        entry = self._tables[kind].entries.get(key)
        value = entry.value if entry else None
        if kind == "Pod":
            self._index_pod(key, value)
        elif kind == "AIIncident":
            self._incidents.put(key, value)
        elif kind == "ModelDeployment":
            self._index_model(key, value)
            self._incidents.put_model(key, entry is not None)  # one that cannot be read is there
        elif READERS[kind] is read_workload:
            self._selecting.put(kind, key, value)
        for listener in self._listeners:
            listener(kind, key, value)
        self._left = None

    def _index_pod(self, key: Key, pod: Pod | None) -> None:
        old = self._left = self._indexed.pop(key, None)
        for item in old.labels.items() if old else ():
            found = self._pods[(key[0], *item)]
            found.pop(key[1], None)
            if not found:
                del self._pods[(key[0], *item)]
        if pod is not None:
            self._indexed[key] = pod
            for item in pod.labels.items():
                self._pods.setdefault((key[0], *item), {})[key[1]] = pod

    def _index_model(self, key: Key, model: ModelDeployment | None) -> None:
        before = self._workload_of.pop(key, None)
        if before is not None:
            self._served_by[before].discard(key)
        if model is not None:
            ref = model.spec.workload_ref
            served = (ref.kind.value, (key[0], ref.name))
            self._workload_of[key] = served
            self._served_by.setdefault(served, set()).add(key)

    def models_on(self, kind: str, key: Key) -> tuple[Key, ...]:
        """The models whose workloadRef is this workload, whether it is there or not."""
        return tuple(self._served_by.get((kind, key), ()))

    def concerned(self, kind: str, key: Key, value: object) -> set[Key]:
        """The models that a change concerns of which a listener is told: itself, or those that the object serves."""
        match kind:
            case "ModelDeployment":
                return {key}
            case "Deployment" | "StatefulSet" | "Rollout":
                return set(self.models_on(kind, key))
            case "Pod":
                pods = [pod for pod in (self._left, value) if isinstance(pod, Pod)]
                serving = {found for pod in pods for found in self._selecting.of(key[0], pod.labels)}
                return {model for found in serving for model in self.models_on(*found)}
        return set()

    @property
    def ledger(self) -> Ledger:
        """Whose containment stands and whose waits."""
        return self._incidents.ledger

    def troubled(self, namespace: str) -> Iterable[Key]:
        """The models of a namespace that have an incident that is not over."""
        return self._incidents.troubled(namespace)

    def model(self, key: Key) -> ModelDeployment | None:
        """A ModelDeployment."""
        found: ModelDeployment | None = self._value("ModelDeployment", key)
        return found

    def policy(self, key: Key) -> IncidentPolicy | None:
        """An IncidentPolicy."""
        found: IncidentPolicy | None = self._value("IncidentPolicy", key)
        return found

    def playbook(self, key: Key) -> Playbook | None:
        """A Playbook."""
        found: Playbook | None = self._value("Playbook", key)
        return found

    def workload(self, kind: str, key: Key) -> Workload | None:
        """A Deployment, StatefulSet or Rollout."""
        found: Workload | None = self._value(kind, key)
        return found

    def pod(self, key: Key) -> Pod | None:
        """A pod, whoever's it is."""
        found: Pod | None = self._value("Pod", key)
        return found

    def _value(self, kind: str, key: Key) -> Any:
        entry = self._tables[kind].entries.get(key)
        return entry.value if entry else None

    def models(self, namespace: str | None = None) -> Iterator[ModelDeployment]:
        """The readable ModelDeployments."""
        return self._values("ModelDeployment", namespace)

    def policies(self, namespace: str | None = None) -> Iterator[IncidentPolicy]:
        """The readable IncidentPolicies."""
        return self._values("IncidentPolicy", namespace)

    def playbooks(self, namespace: str | None = None) -> Iterator[Playbook]:
        """The readable Playbooks."""
        return self._values("Playbook", namespace)

    def incidents(self, namespace: str | None = None) -> Iterator[AIIncident]:
        """The readable AIIncidents."""
        return self._values("AIIncident", namespace)

    def _values(self, kind: str, namespace: str | None) -> Iterator[Any]:
        for key, entry in list(self._tables[kind].entries.items()):
            if entry.value is not None and namespace in (None, key[0]):
                yield entry.value

    def pods(self, workload: Workload | None) -> tuple[Pod, ...]:
        """The pods that the workload's selector selects."""
        if workload is None or not workload.selector:
            return ()
        found = self._narrowest(workload.namespace, workload.selector)
        return tuple(p for p in found if p.namespace == workload.namespace and workload.selector.selects(p.labels))

    def _narrowest(self, namespace: str, selector: Selector) -> Iterable[Pod]:
        """The pods under the rarest label that is asked for, so that a model's pods cost nothing to the others."""
        indices = [self._pods.get((namespace, *item), {}) for item in selector.equal]
        return min(indices, key=len).values() if indices else self._indexed.values()

    def incidents_of(self, key: Key) -> list[AIIncident]:
        """The incidents of a model, oldest first."""
        return self._incidents.of_model(key)

    def open_incidents(self) -> tuple[AIIncident, ...]:
        """Every incident that is not over."""
        return self._incidents.open()

    def open_incident(self, key: Key) -> AIIncident | None:
        """The incident of the model that is not over; of several, the one that was opened first."""
        return next((i for i in self.incidents_of(key) if not is_over(i)), None)

    def neighbours(self, model: ModelDeployment) -> dict[str, Neighbour]:
        """The upstream models that the model depends on, by name, each with its open incident."""
        namespace = model.metadata.namespace
        named = {d.model_ref.name for d in model.spec.dependencies if d.model_ref is not None}
        found = {name: self.model((namespace, name)) for name in named}
        return {n: Neighbour(m, self.open_incident((namespace, n))) for n, m in found.items() if m is not None}
