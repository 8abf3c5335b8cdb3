"""One replica acts: a Lease decides which. A Lease is no fence; the new leader's touches are (see `fencing`)."""

import asyncio
import contextlib
import json
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

    def __init__(self, *args: Any, limit: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit = limit

    async def get(self, name: str, namespace: str) -> Any:
        """The lease's record; (False, ApiException) where it could not be read."""
        try:
            async with asyncio.timeout(self._limit):
                return await super().get(name, namespace)
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
        try:
            async with asyncio.timeout(self._limit):
                return await call
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
    lock = BoundedLock(settings.name, settings.namespace, settings.identity, api.api, limit=settings.renew_deadline / 2)
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
    try:
        await leaderelection.LeaderElection(config).run()
    finally:
        for task in working:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
