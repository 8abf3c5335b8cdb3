"""Which models are watched, as the operator's own metrics tell it: who relies on it must learn when it sees nothing."""

from knowngood.api.conditions import ConditionType, is_true
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.shell import metrics
from knowngood.shell.following import Following
from knowngood.shell.store import Key


class Watched(Following):
    """The gauge of them; no model is shown once it is closed."""

    kind = "ModelDeployment"

    def _show(self, key: Key, value: object) -> None:
        if self._store.entry(self.kind, key) is None:
            metrics.WATCHED.remove(*key)
            return
        seen = isinstance(value, ModelDeployment) and is_true(value.status.conditions, ConditionType.SIGNALS_AVAILABLE)
        metrics.WATCHED.labels(*key).set(seen)

    def _clear(self) -> None:
        metrics.WATCHED.clear()
