"""One replica acts: a Lease decides which. A Lease is no fence; the new leader's touches are (see `fencing`).

A leader that was stopped and continued would lead on until its next renewals have failed, with watches that soon show
it the present, so that its writes would not be stale. Therefore nothing is written later than the renew deadline
after the last renewal, by this process' own clock, and a Lease that somebody else holds ends the term at once.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Any

import aiohttp
import structlog
from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection import leaderelection
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from knowngood.shell import metrics
from knowngood.shell.cluster import Cluster
from knowngood.shell.settings import LeaderElection

log = structlog.get_logger()
_TROUBLE = (aiohttp.ClientError, TimeoutError, OSError, ValueError, AssertionError)


class BoundedLock(LeaseLock):
    """A lease lock whose calls end in time and whose transport errors are failures, not crashes."""

    def __init__(self, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline, self._limit = deadline, deadline / 2
        self._renewed_at: float | None = None  # when the last renewal that was accepted began
        self.lost = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether the lease was renewed so lately that nobody else can hold it."""
        return self._renewed_at is not None and time.monotonic() - self._renewed_at < self._deadline

    async def get(self, name: str, namespace: str) -> Any:
        """The lease's record; (False, ApiException) where it could not be read."""
        try:
            async with asyncio.timeout(self._limit):
                known, record = await super().get(name, namespace)
            holder = getattr(record, "holder_identity", None) if known else None
            if self._renewed_at is not None and holder not in (None, self.identity):
                self._renewed_at = None
                self.lost.set()
            return known, record
        except _TROUBLE as error:
            body = json.dumps({"code": HTTPStatus.SERVICE_UNAVAILABLE})
            failure = ApiException(status=0, reason=type(error).__name__)
            failure.body = body
            return False, failure

    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """Whether the lease was created; the library's own call passes ``pretty`` as a type that it refuses."""
        body = client.V1Lease(metadata=client.V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        return await self._try(self._create(namespace, body))

    async def _create(self, namespace: str, body: client.V1Lease) -> bool:
        try:
            await self.api_instance.create_namespaced_lease(namespace, body)
        except ApiException as error:
            log.warning("lease not created", error=str(error.reason))
            return False
        return True

    async def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        """Whether the lease was updated."""
        return await self._try(super().update(name, namespace, updated_record))

    async def _try(self, call: Awaitable[bool]) -> bool:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._limit):
                done = await call
            if done:
                self._renewed_at = began
            return done
        except _TROUBLE as error:
            log.warning("lease not written", error=str(error)[:300])
            return False


async def lead(api: Cluster, settings: LeaderElection, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``work`` while this replica leads; it is cancelled when the lease is lost, and run again when regained."""
    if not settings.enabled:
        metrics.LEADER.set(1)
        await work()
        return
    while True:
        await _one_term(api, settings, work)
        metrics.LEADER.set(0)
        log.warning("leadership lost", identity=settings.identity)


async def _one_term(api: Cluster, settings: LeaderElection, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    lock = BoundedLock(settings.name, settings.namespace, settings.identity, api.api, deadline=settings.renew_deadline)
    api.may_write = lambda: lock.held
    working: list[asyncio.Task[None]] = []

    async def started() -> None:
        metrics.LEADER.set(1)
        log.info("leading", identity=settings.identity)
        working.append(asyncio.ensure_future(work()))

    async def stopped() -> None:
        log.warning("lease lost", identity=settings.identity)

    config = Config(
        lock,
        lease_duration=int(settings.lease_duration),  # the record is parsed as an integer
        renew_deadline=settings.renew_deadline,
        retry_period=settings.retry_period,
        onstarted_leading=started,
        onstopped_leading=stopped,
    )
    ends: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(leaderelection.LeaderElection(config).run()),
        asyncio.ensure_future(lock.lost.wait()),
    ]
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in done:
            if not end.cancelled():  # cancelled by itself, a call of the library's: the term is over, and no more
                end.result()
    finally:
        for end in ends:
            end.cancel()
        for task in working:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
