"""Policies compiled, and which models each selects; made anew only when something they rest on has changed."""

from collections.abc import Iterator

from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.facts.labels import selected
from knowngood.core.signals.compiled import CompiledPolicy, CompiledSignal, compile_policy
from knowngood.shell.store import Key, Store


class Policies:
    """A view of the store's policies and models."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._compiled: dict[Key, tuple[CompiledPolicy, tuple[Key, ...]]] | None = None
        self._of_model: dict[Key, list[CompiledSignal]] = {}
        self._names: dict[Key, frozenset[tuple[str, str]]] = {}
        self._most: dict[Key, int] = {}
        store.subscribe(self._on_change)

    def close(self) -> None:
        """Follow the store no more."""
        self._store.unsubscribe(self._on_change)

    def _on_change(self, kind: str, _key: Key, _value: object) -> None:
        if kind in {"ModelDeployment", "IncidentPolicy"}:
            self._compiled = None

    def _all(self) -> dict[Key, tuple[CompiledPolicy, tuple[Key, ...]]]:
        if self._compiled is None:
            self._compiled = {}
            self._of_model, self._names, self._most = {}, {}, {}
            models: dict[str, list[ModelDeployment]] = {}
            for model in self._store.models():
                models.setdefault(model.metadata.namespace, []).append(model)
            for policy in self._store.policies():
                self._compile(policy, models.get(policy.metadata.namespace, []))
        return self._compiled

    def _compile(self, policy: IncidentPolicy, models: list[ModelDeployment]) -> None:
        if self._compiled is None:
            return
        chosen = [m for m in models if selected(policy.spec.selector, m.metadata.labels)]
        compiled = compile_policy(policy, chosen)
        limits = policy.spec.limits
        if limits is not None and limits.max_concurrent_containments is not None:
            self._most[(policy.metadata.namespace, policy.metadata.name)] = limits.max_concurrent_containments
        keys = tuple((m.metadata.namespace, m.metadata.name) for m in chosen)
        self._compiled[(policy.metadata.namespace, policy.metadata.name)] = (compiled, keys)
        for key in keys:
            self._of_model.setdefault(key, []).extend(compiled.signals)

    def groups(self) -> dict[float, list[tuple[CompiledPolicy, tuple[Key, ...]]]]:
        """Policies that select at least one model, by their interval in seconds."""
        groups: dict[float, list[tuple[CompiledPolicy, tuple[Key, ...]]]] = {}
        for compiled, models in self._all().values():
            if models and compiled.signals:
                groups.setdefault(compiled.signals[0].interval, []).append((compiled, models))
        return groups

    def compiled(self, key: Key) -> tuple[CompiledPolicy, tuple[Key, ...]] | None:
        """A policy compiled, and the models that it selects."""
        return self._all().get(key)

    def most_contained(self) -> dict[Key, int]:
        """The policies' own limits, of those that set one."""
        self._all()
        return self._most

    def signals_of(self, model: Key) -> list[CompiledSignal]:
        """Every signal that judges a model, over all policies."""
        self._all()
        return self._of_model.get(model, [])

    def names_of(self, model: Key) -> frozenset[tuple[str, str]]:
        """The policy and name of every signal that judges a model."""
        signals = self.signals_of(model)
        if model not in self._names:
            self._names[model] = frozenset((s.policy, s.name) for s in signals)
        return self._names[model]

    def policies_of(self, model: Key) -> Iterator[Key]:
        """The policies that select a model."""
        return (key for key, (_, models) in self._all().items() if model in models)
