"""Policies compiled, and which models each selects: kept up to date event by event, at the cost of what changed."""

from collections import Counter
from collections.abc import Callable, Iterator

from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.facts.labels import selected
from knowngood.core.signals.compiled import CompiledPolicy, CompiledSignal, Shape, compile_policy, shape
from knowngood.shell.store import Key, Store

Found = tuple[CompiledPolicy, tuple[Key, ...]]
"""A policy compiled, and the models that it selects; the same tuple for as long as those are the same."""


class _Selection:
    """One policy with the models that it selects."""

    def __init__(self, policy: IncidentPolicy, changed: Callable[[], None]) -> None:
        self.policy, self._changed = policy, changed
        self.models: dict[Key, ModelDeployment] = {}
        self.names: frozenset[tuple[str, str]] = frozenset()
        self._shapes: Counter[Shape] = Counter()
        self._compiled_for: frozenset[Shape] | None = None
        self._compiled = CompiledPolicy("", "", (), ())
        self._keys: tuple[Key, ...] | None = None
        self._found: Found = self._compiled, ()

    def take(self, key: Key, model: ModelDeployment | None) -> bool:
        """Take in a model as it is now, or that it is gone; whether it is selected."""
        before = self.models.get(key)
        wanted = model is not None and selected(self.policy.spec.selector, model.metadata.labels)
        if before is not None:
            self._count(shape(before), -1)
        if model is not None and wanted:
            self.models[key] = model
            self._count(shape(model), 1)
        elif before is not None:
            del self.models[key]
        if wanted is not (before is not None):
            self._keys = None
        return wanted

    def _count(self, found: Shape, change: int) -> None:
        self._shapes[found] += change
        if not self._shapes[found]:
            del self._shapes[found]

    def found(self) -> Found:
        """Compiled for the shapes that its models have, which are all that a request depends on."""
        known = frozenset(self._shapes)
        if known != self._compiled_for:
            self._compiled_for, self._compiled = known, compile_policy(self.policy, self.models.values())
            self._changed()
            self.names = frozenset((s.policy, s.name) for s in self._compiled.signals)
            self._keys = None
        if self._keys is None:
            self._keys = tuple(self.models)
            self._found = self._compiled, self._keys
        return self._found


class Policies:
    """A view of the store's policies and models."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._models: dict[str, dict[Key, ModelDeployment]] = {}  # by namespace
        self._selections: dict[str, dict[str, _Selection]] = {}  # by namespace and name
        self._selecting: dict[Key, dict[str, None]] = {}  # the names of the policies that select a model
        self._most: dict[Key, int] = {}
        self.changes = 0  # so far; where it is the same as before, so is which signals judge a model
        for model in store.models():
            self._on_model((model.metadata.namespace, model.metadata.name), model)
        for policy in store.policies():
            self._select((policy.metadata.namespace, policy.metadata.name), policy)
        store.subscribe(self._on_change)

    def close(self) -> None:
        """Follow the store no more."""
        self._store.unsubscribe(self._on_change)

    def _changed(self) -> None:
        self.changes += 1

    def _on_change(self, kind: str, key: Key, value: object) -> None:
        if kind == "ModelDeployment":
            self._on_model(key, value if isinstance(value, ModelDeployment) else None)
        elif kind == "IncidentPolicy":
            self._on_policy(key, value if isinstance(value, IncidentPolicy) else None)

    def _on_model(self, key: Key, model: ModelDeployment | None) -> None:
        models = self._models.setdefault(key[0], {})
        if model is None:
            models.pop(key, None)
        else:
            models[key] = model
        for name, selection in self._selections.get(key[0], {}).items():
            self._take(name, selection, key, model)

    def _on_policy(self, key: Key, policy: IncidentPolicy | None) -> None:
        known = self._selections.get(key[0], {}).get(key[1])
        if known is not None and policy is not None and known.policy.spec == policy.spec:
            return  # only its status was written
        self._changed()
        self._forget(key)
        if policy is not None:
            self._select(key, policy)

    def _forget(self, key: Key) -> None:
        self._most.pop(key, None)
        selection = self._selections.get(key[0], {}).pop(key[1], None)
        for model in selection.models if selection else ():
            self._deselect(key[1], model)

    def _select(self, key: Key, policy: IncidentPolicy) -> None:
        selection = self._selections.setdefault(key[0], {})[key[1]] = _Selection(policy, self._changed)
        limits = policy.spec.limits
        if limits is not None and limits.max_concurrent_containments is not None:
            self._most[key] = limits.max_concurrent_containments
        for of, model in self._models.get(key[0], {}).items():
            self._take(key[1], selection, of, model)

    def _take(self, name: str, selection: _Selection, key: Key, model: ModelDeployment | None) -> None:
        selecting = self._selecting.get(key, {})
        if selection.take(key, model) is (name in selecting):
            return
        self._changed()
        if name in selecting:
            self._deselect(name, key)
        else:
            self._selecting.setdefault(key, {})[name] = None

    def _deselect(self, name: str, model: Key) -> None:
        names = self._selecting.get(model)
        if names is not None:
            names.pop(name, None)
            if not names:
                del self._selecting[model]

    def groups(self) -> dict[float, list[Found]]:
        """Policies that select at least one model, by their interval in seconds."""
        groups: dict[float, list[Found]] = {}
        for selections in self._selections.values():
            for selection in selections.values():
                if selection.models and (found := selection.found())[0].signals:
                    groups.setdefault(found[0].signals[0].interval, []).append(found)
        return groups

    def compiled(self, key: Key) -> Found | None:
        """A policy compiled, and the models that it selects."""
        selection = self._selections.get(key[0], {}).get(key[1])
        return selection.found() if selection else None

    def most_contained(self) -> dict[Key, int]:
        """The policies' own limits, of those that set one."""
        return self._most

    def signals_of(self, model: Key) -> list[CompiledSignal]:
        """Every signal that judges a model, over all policies."""
        return [signal for selection in self._of(model) for signal in selection.found()[0].signals]

    def names_of(self, model: Key) -> frozenset[tuple[str, str]]:
        """The policy and name of every signal that judges a model; one policy's models share theirs."""
        found = []
        for selection in self._of(model):
            selection.found()
            found.append(selection.names)
        return found[0] if len(found) == 1 else frozenset().union(*found)

    def policies_of(self, model: Key) -> Iterator[Key]:
        """The policies that select a model."""
        return ((model[0], name) for name in self._selecting.get(model, ()))

    def _of(self, model: Key) -> list[_Selection]:
        return [self._selections[model[0]][name] for name in self._selecting.get(model, ())]
