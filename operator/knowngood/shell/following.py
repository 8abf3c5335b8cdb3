"""What a gauge of the operator's own metrics tells of one kind of objects, kept as they change."""

from abc import ABC, abstractmethod
from typing import ClassVar

from knowngood.shell.store import Key, Store


class Following(ABC):
    """Follows the store; only who leads knows, so that nothing is shown once it is closed."""

    kind: ClassVar[str]

    def __init__(self, store: Store) -> None:
        self._store = store
        for key, entry in store.snapshot(self.kind).items():
            self._show(key, entry.value)
        store.subscribe(self._on_change)

    def close(self) -> None:
        """Follow the store no more."""
        self._store.unsubscribe(self._on_change)
        self._clear()

    def _on_change(self, kind: str, key: Key, value: object) -> None:
        if kind == self.kind:
            self._show(key, value)

    @abstractmethod
    def _show(self, key: Key, value: object) -> None:
        """An object of the kind as it is now; None where it cannot be read, or is gone."""

    @abstractmethod
    def _clear(self) -> None:
        """Show nothing."""
