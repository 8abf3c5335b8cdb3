"""How many containments wait for a limit, as the operator's own metrics tell it."""

from knowngood.api.aiincident import AIIncident
from knowngood.core.response.limits import waits
from knowngood.shell import metrics
from knowngood.shell.store import Key, Store


class Waiting:
    """Follows the store; only who leads knows, so that the gauge is 0 once it is closed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: set[Key] = set()
        for incident in store.open_incidents():
            self._on_change("AIIncident", (incident.metadata.namespace, incident.metadata.name), incident)
        store.subscribe(self._on_change)

    def close(self) -> None:
        """Follow the store no more."""
        self._store.unsubscribe(self._on_change)
        metrics.WAITING.set(0)

    def _on_change(self, kind: str, key: Key, value: object) -> None:
        if kind != "AIIncident":
            return
        if isinstance(value, AIIncident) and waits(value):
            self._keys.add(key)
        else:
            self._keys.discard(key)
        metrics.WAITING.set(len(self._keys))
