"""What the cluster says of a model, as judging needs it: made anew only when something that it rests on changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from knowngood.api.durations import seconds
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.facts.workload import Pod
from knowngood.core.incidents.modelstatus import container_of
from knowngood.core.incidents.recording import known_good_of, previous_of, remembered
from knowngood.core.incidents.releases import ties_of
from knowngood.core.signals.compiled import model_matchers
from knowngood.shell.store import Key, Store


@dataclass(frozen=True, slots=True)
class Matchers:
    """The labels of a model's series; also as the key by which its samples are found."""

    labels: Mapping[str, str]
    names: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """One model, its pods and its releases. ``ties`` are the release labels that its history remembers."""

    key: Key
    model: ModelDeployment
    container: str
    pods: Mapping[str, Pod]
    digests: Mapping[str, str]  # by pod
    running: frozenset[str]
    known_good: str
    previous: str
    suspects: frozenset[str]
    remembered: frozenset[str]
    ties: Mapping[str, str]
    soak: float
    matchers: dict[str, Matchers] = field(default_factory=dict)

    def matched_by(self, label: str) -> Matchers:
        """What tells this model's series from others', where ``label`` names the model."""
        found = self.matchers.get(label)
        if found is None:
            labels = model_matchers(self.model, label)
            names = tuple(sorted(labels))
            found = self.matchers[label] = Matchers(labels, names, tuple(labels[n] for n in names))
        return found


class Subjects:
    """A view of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, Subject]] = {}  # by namespace and name
        self.changes = 0  # so far; where it is the same as before, so is every model
        store.subscribe(self._on_change)

    def close(self) -> None:
        """Follow the store no more."""
        self._store.unsubscribe(self._on_change)

    def _on_change(self, kind: str, key: Key, value: object) -> None:
        known = self._known.get(key[0], {})
        for model in self._store.concerned(kind, key, value):
            known.pop(model[1], None)
            self.changes += 1

    def of(self, key: Key) -> Subject | None:
        """The model; None where there is none, or it is suspended."""
        found = self._known.get(key[0], {}).get(key[1])
        if found is None:
            model = self._store.model(key)
            if model is None or model.spec.suspend:
                return None
            found = self._known.setdefault(key[0], {})[key[1]] = self._made(key, model)
        return found

    def _made(self, key: Key, model: ModelDeployment) -> Subject:
        ref, history = model.spec.workload_ref, model.status.releases
        workload = self._store.workload(ref.kind.value, (key[0], ref.name))
        container = container_of(model, workload)
        pods = {p.name: p for p in self._store.pods(workload)}
        digests = {name: c.running.digest for name, p in pods.items() if p.live and (c := p.container(container))}
        running = frozenset(d for d in digests.values() if d)
        known_good = known_good_of(model, container)
        return Subject(
            key=key,
            model=model,
            container=container,
            pods=pods,
            digests=digests,
            running=running,
            known_good=known_good,
            previous=previous_of(history, running),
            suspects=frozenset(r.digest for r in history if r.implicated_in),
            remembered=remembered(history, running, known_good),
            ties=ties_of(history),
            soak=seconds(model.spec.promotion.soak),
        )
