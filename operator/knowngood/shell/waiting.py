"""How many containments wait for a limit, as the operator's own metrics tell it."""

from knowngood.api.aiincident import AIIncident
from knowngood.core.response.limits import waits
from knowngood.shell import metrics
from knowngood.shell.following import Following
from knowngood.shell.store import Key, Store


class Waiting(Following):
    """The gauge of them; 0 once it is closed."""

    kind = "AIIncident"

    def __init__(self, store: Store) -> None:
        self._keys: set[Key] = set()
        super().__init__(store)

    def _show(self, key: Key, value: object) -> None:
        if isinstance(value, AIIncident) and waits(value):
            self._keys.add(key)
        else:
            self._keys.discard(key)
        metrics.WAITING.set(len(self._keys))

    def _clear(self) -> None:
        metrics.WAITING.set(0)
