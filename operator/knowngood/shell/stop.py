"""The emergency stop: one key of one ConfigMap, read twice a second, since a watch can be silent without a word.

It fails closed: all is stopped until it could be read once, and again when it could not be read for a minute.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from knowngood.api.conditions import Reason
from knowngood.core.response.facts import Hold
from knowngood.shell import cluster as c
from knowngood.shell import metrics
from knowngood.shell.settings_model import EmergencyStop

log = structlog.get_logger()
_GO_ON = frozenset({"false", "no", "off", "0", "none", ""})
_STALE = 60.0  # seconds that a "go on" counts; in a shorter outage of the API server no write gets through either
_PATIENCE = 5.0  # seconds for one read: one that hangs must not hide a stop that is written


class Stop:
    """Whether everything that touches workloads is stopped; what was last read holds while nothing can be read."""

    def __init__(self, api: c.Cluster, settings: EmergencyStop, namespace: str, changed: Callable[[], None]) -> None:
        self._api, self._settings, self._namespace, self._changed = api, settings, namespace, changed
        self._where = f"ConfigMap {namespace}/{settings.name}, key {settings.key}"
        self._read_at: float | None = None
        self._failing: tuple[int, str] | None = None  # status and reason that were logged last
        self.hold: Hold | None = _unread(self._where, "it was not asked for")

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(self._settings.interval)

    async def read(self) -> None:
        """Read once; tell when it changed."""
        try:
            value = await self._value()
        except c.ApiError as error:
            self._failed(error)
            return
        self._readable()
        said = (
            f"everything that touches workloads is stopped by {self._where} ({value[:200]}); write false there to go on"
        )
        self._set(Hold(Reason.EMERGENCY_STOP, said) if value.lower() not in _GO_ON else None)
        self._read_at = time.monotonic()

    async def _value(self) -> str:
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await self._api.get(c.CONFIGMAPS, self._namespace, self._settings.name)
        except TimeoutError:
            raise c.ApiError(0, "Timeout", f"no answer within {_PATIENCE:g} s") from None
        except c.ApiError as error:
            if not error.not_found:
                raise
            return ""
        return str((found.get("data") or {}).get(self._settings.key, "")).strip()

    def _readable(self) -> None:
        metrics.STOP_UNREADABLE.set(0)
        if self._failing is not None:
            self._failing = None
            log.warning("the emergency stop can be read again", where=self._where)

    def _failed(self, error: c.ApiError) -> None:
        """Stop where nothing was ever read, or too long ago; a stop that was read stays as it is."""
        metrics.STOP_UNREADABLE.set(1)
        if self._failing != (error.status, error.reason):
            self._failing = (error.status, error.reason)
            log.error("the emergency stop cannot be read", where=self._where, error=str(error))
        if self._read_at is None or (self.hold is None and time.monotonic() - self._read_at >= _STALE):
            self._read_at = None  # as if it never had been
            self._set(_unread(self._where, self._why(error)))

    def _why(self, error: c.ApiError) -> str:
        """By status and reason alone: a message that differs each time would be written each time."""
        if error.status == 403:
            right = f"get on configmaps {self._settings.name} in namespace {self._namespace}"
            return f"Forbidden; the operator's account lacks the right {right}"
        return f"{error.status} {error.reason}".strip() if error.status else "the API server did not answer"

    def _set(self, hold: Hold | None) -> None:
        metrics.STOPPED.set(0 if hold is None else 1)
        if hold == self.hold:
            return
        first, self.hold = self._read_at is None, hold
        if hold is not None or not first:
            log.warning("emergency stop" if hold else "emergency stop lifted", where=self._where)
        self._changed()


def _unread(where: str, why: str) -> Hold:
    said = f"the emergency stop ({where}) could not be read ({why}); nothing that touches workloads is done until it is"
    return Hold(Reason.EMERGENCY_STOP, said)
