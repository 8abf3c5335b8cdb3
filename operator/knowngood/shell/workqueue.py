"""Keys to reconcile: each at most once at a time, failures delayed a key of their own, nobody waits for another."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from knowngood.shell import metrics
from knowngood.shell.cluster import ApiError

log = structlog.get_logger()
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 30.0
_WITHOUT_LEASE = 1.0
Key = tuple[str, str]
Work = Callable[[Key], Awaitable[float | None]]


class Backoff:
    """How long to leave a key alone that failed: twice as long each time."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, ...], int] = {}
        self._until: dict[tuple[str, ...], float] = {}

    def failed(self, key: tuple[str, ...]) -> float:
        """Seconds to wait from now on."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        delay: float = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(count, 10))
        self._until[key] = time.monotonic() + delay
        return delay

    def left(self, key: tuple[str, ...]) -> float:
        """Seconds that are left to wait; 0 where it may be tried."""
        return max(0.0, self._until.get(key, 0.0) - time.monotonic())

    def over(self, key: tuple[str, ...]) -> None:
        """It went well, or is gone."""
        self._failures.pop(key, None)
        self._until.pop(key, None)


class WorkQueue:
    """Runs ``work(key)`` for keys that were added; what it returns is when to look again, in seconds."""

    def __init__(self, kind: str, work: Work, workers: int) -> None:
        self._kind, self._work = kind, work
        self._dirty: set[Key] = set()
        self._busy: set[Key] = set()
        self._backoff = Backoff()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._workers = workers

    def add(self, key: Key) -> None:
        """Have ``key`` looked at, now or after the look that is under way."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._busy:
            self._ready.put_nowait(key)

    def add_later(self, key: Key, seconds: float) -> None:
        """Have ``key`` looked at in ``seconds``; an earlier wish stands."""
        loop = asyncio.get_running_loop()
        known = self._timers.get(key)
        if known is not None and not known.cancelled() and known.when() <= loop.time() + seconds:
            return
        if known is not None:
            known.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key)

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._loop())

    async def _loop(self) -> None:
        while True:
            key = await self._ready.get()
            self._dirty.discard(key)
            self._busy.add(key)
            try:
                await self._one(key)
            finally:
                self._busy.discard(key)
                if key in self._dirty:
                    self._ready.put_nowait(key)

    async def _one(self, key: Key) -> None:
        try:
            again = await self._work(key)
        except Exception as error:
            self._failed(key, error)
            return
        self._backoff.over(key)
        if again is not None:
            self.add_later(key, again)

    def _failed(self, key: Key, error: Exception) -> None:
        if isinstance(error, ApiError) and error.not_leading:
            self.add_later(key, _WITHOUT_LEASE)  # which is no failure of the key's, and may end at once
            return
        delay = self._backoff.failed(key)
        metrics.RECONCILE_ERRORS.labels(self._kind).inc()
        known: dict[str, Any] = {"kind": self._kind, "namespace": key[0], "name": key[1], "again_in": delay}
        if isinstance(error, ApiError):
            log.warning("reconcile failed", error=str(error), **known)
        else:
            log.error("reconcile failed", exc_info=error, **known)
        self.add_later(key, delay)
