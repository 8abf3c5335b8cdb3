"""The emergency stop: one key of one ConfigMap, read twice a second, since a watch can be silent without a word."""

import asyncio
from collections.abc import Callable

import structlog

from knowngood.api.conditions import Reason
from knowngood.core.response.facts import Hold
from knowngood.shell import cluster as c
from knowngood.shell import metrics
from knowngood.shell.settings_model import EmergencyStop

log = structlog.get_logger()
_GO_ON = frozenset({"false", "no", "off", "0", "none", ""})


class Stop:
    """Whether everything that touches workloads is stopped; what was last read holds while nothing can be read."""

    def __init__(self, api: c.Cluster, settings: EmergencyStop, namespace: str, changed: Callable[[], None]) -> None:
        self._api, self._settings, self._namespace, self._changed = api, settings, namespace, changed
        self.hold: Hold | None = None

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(self._settings.interval)

    async def read(self) -> None:
        """Read once; tell when it changed."""
        try:
            found = await self._api.get(c.CONFIGMAPS, self._namespace, self._settings.name)
        except c.ApiError as error:
            if not error.not_found:
                return
            found = {}
        value = str((found.get("data") or {}).get(self._settings.key, "")).strip()
        stopped = value.lower() not in _GO_ON
        where = f"ConfigMap {self._namespace}/{self._settings.name}, key {self._settings.key}"
        said = f"everything that touches workloads is stopped by {where} ({value[:200]}); write false there to go on"
        hold = Hold(Reason.EMERGENCY_STOP, said) if stopped else None
        if hold != self.hold:
            self.hold = hold
            metrics.STOPPED.set(1 if stopped else 0)
            log.warning("emergency stop" if stopped else "emergency stop lifted", where=where)
            self._changed()
