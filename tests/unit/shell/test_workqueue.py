"""The queue: one look at a time for a key, and a key that always fails delays no other."""

import asyncio

import pytest

from knowngood.shell.cluster import ApiError
from knowngood.shell.workqueue import WorkQueue

A, B = ("ns", "a"), ("ns", "b")


async def test_a_poison_key_delays_no_other() -> None:
    seen: list[tuple[str, str]] = []
    enough = asyncio.Event()

    async def work(key: tuple[str, str]) -> None:
        if key == A:
            raise ApiError(422, "Invalid", "never accepted")
        seen.append(key)
        if len(seen) == 20:
            enough.set()

    queue = WorkQueue("test", work, 1)
    running = asyncio.create_task(queue.run())
    queue.add(A)
    for number in range(20):
        queue.add(("ns", str(number)))
    await asyncio.wait_for(enough.wait(), 2)
    running.cancel()
    assert len(seen) == 20


async def test_a_key_is_looked_at_once_at_a_time_and_again_if_it_changed_meanwhile() -> None:
    at_once, most, looks = 0, 0, 0
    again = asyncio.Event()

    async def work(_: tuple[str, str]) -> None:
        nonlocal at_once, most, looks
        at_once += 1
        looks += 1
        most = max(most, at_once)
        if looks == 1:
            queue.add(B)
            queue.add(B)
        await asyncio.sleep(0)
        at_once -= 1
        if looks == 2:
            again.set()

    queue = WorkQueue("test", work, 4)
    running = asyncio.create_task(queue.run())
    queue.add(B)
    await asyncio.wait_for(again.wait(), 2)
    running.cancel()
    assert (most, looks) == (1, 2)


async def test_what_work_returns_is_when_to_look_again() -> None:
    looks: list[float] = []
    twice = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def work(_: tuple[str, str]) -> float | None:
        looks.append(loop.time())
        if len(looks) == 2:
            twice.set()
            return None
        return 0.05

    queue = WorkQueue("test", work, 1)
    running = asyncio.create_task(queue.run())
    queue.add(A)
    await asyncio.wait_for(twice.wait(), 2)
    running.cancel()
    assert looks[1] - looks[0] >= 0.05


async def test_to_be_without_the_lease_is_no_failure_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowngood.shell.workqueue._WITHOUT_LEASE", 0.01)
    looks = 0
    regained = asyncio.Event()

    async def work(_: tuple[str, str]) -> None:
        nonlocal looks
        looks += 1
        if looks < 20:  # with failures' delays this would take minutes
            raise ApiError(0, "NotLeading", "not now")
        regained.set()

    queue = WorkQueue("test", work, 1)
    running = asyncio.create_task(queue.run())
    queue.add(A)
    await asyncio.wait_for(regained.wait(), 5)
    running.cancel()
