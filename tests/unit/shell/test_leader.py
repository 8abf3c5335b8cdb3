"""The Lease as this process may rely on it: renewed lately by its own clock, or held by somebody else."""

import asyncio
from typing import Any, cast

import pytest
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from knowngood.shell import leader
from knowngood.shell.cluster import Cluster
from knowngood.shell.leader import BoundedLock
from knowngood.shell.settings import LeaderElection


class Server:
    """A Lease as the API server would keep it, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.holder, self.accepts, self.now = "one", True, 100.0

        async def update(*_: Any) -> bool:
            return self.accepts

        async def get(*_: Any) -> tuple[bool, LeaderElectionRecord]:
            return True, LeaderElectionRecord(self.holder, "15", "then", "now")

        monkeypatch.setattr(LeaseLock, "update", update)
        monkeypatch.setattr(LeaseLock, "get", get)
        monkeypatch.setattr("knowngood.shell.leader.time.monotonic", lambda: self.now)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(monkeypatch)


@pytest.fixture
def lock() -> BoundedLock:
    return BoundedLock("lease", "system", "one", None, deadline=10.0)


async def test_it_is_held_until_the_deadline_after_the_last_renewal(server: Server, lock: BoundedLock) -> None:
    assert not lock.held
    await lock.update("lease", "system", None)
    server.now += 9.9
    assert lock.held
    server.now += 0.2
    assert not lock.held
    await lock.update("lease", "system", None)
    assert lock.held


async def test_a_renewal_that_is_refused_renews_nothing(server: Server, lock: BoundedLock) -> None:
    await lock.update("lease", "system", None)
    server.now, server.accepts = server.now + 9.0, False
    await lock.update("lease", "system", None)
    server.now += 2.0
    assert not lock.held


async def test_a_lease_that_another_holds_is_lost_at_once(server: Server, lock: BoundedLock) -> None:
    await lock.update("lease", "system", None)
    await lock.get("lease", "system")
    assert not lock.lost.is_set()
    server.holder = "two"
    await lock.get("lease", "system")
    assert lock.lost.is_set()
    assert not lock.held


async def test_who_never_held_it_has_nothing_to_lose(server: Server, lock: BoundedLock) -> None:
    server.holder = "two"
    await lock.get("lease", "system")
    assert not lock.lost.is_set()


class Api:
    """What an election needs of it."""

    api, may_write = None, None


class TestTerm:
    @pytest.fixture(autouse=True)
    def _cancelled_watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The wait for the lease's loss is cancelled by itself; the election ends in what ``self.error`` says."""
        self.error: BaseException | None = None

        class Lost:
            async def wait(self) -> None:
                raise asyncio.CancelledError

        class Lock(BoundedLock):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.lost = Lost()  # type: ignore[assignment]

        test = self

        class Election:
            def __init__(self, _: Any) -> None:
                """Nothing to set up."""

            async def run(self) -> None:
                if test.error is not None:
                    raise test.error

        monkeypatch.setattr(leader, "BoundedLock", Lock)
        monkeypatch.setattr(leader.leaderelection, "LeaderElection", Election)

    async def term(self) -> None:
        async def work() -> None:
            """Nobody leads."""

        settings = LeaderElection(enabled=True, name="lease", namespace="system", identity="one")
        await leader._one_term(cast(Cluster, Api()), settings, work)

    async def test_what_was_only_cancelled_does_not_hide_what_failed(self) -> None:
        self.error = ValueError("the real one")
        for _ in range(20):  # which of the two is looked at first is not said
            with pytest.raises(ValueError, match="the real one"):
                await self.term()

    async def test_what_was_cancelled_by_itself_ends_the_term_and_not_the_operator(self) -> None:
        await self.term()
        self.error = asyncio.CancelledError()
        await self.term()
