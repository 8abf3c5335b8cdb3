"""Which models are watched, as the operator's own metrics tell it: who relies on it must learn when it sees nothing."""

from knowngood.api.conditions import ConditionType, is_true
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.shell import metrics
from knowngood.shell.store import Key, Store


class Watched:
    """Follows the store; only who leads knows, so that no model is shown once it is closed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        for model in store.models():
            self._on_change("ModelDeployment", (model.metadata.namespace, model.metadata.name), model)
        store.subscribe(self._on_change)

    def close(self) -> None:
        """Follow the store no more."""
        self._store.unsubscribe(self._on_change)
        metrics.WATCHED.clear()

    def _on_change(self, kind: str, key: Key, value: object) -> None:
        if kind != "ModelDeployment":
            return
        if self._store.entry(kind, key) is None:
            metrics.WATCHED.remove(*key)
            return
        seen = isinstance(value, ModelDeployment) and is_true(value.status.conditions, ConditionType.SIGNALS_AVAILABLE)
        metrics.WATCHED.labels(*key).set(seen)
