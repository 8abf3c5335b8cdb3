"""The end of a term ends every worker, in whatever it is."""

import asyncio
from typing import Any, cast

import pytest

from knowngood.core.signals.answer import DataState
from knowngood.shell.cluster import ApiError, Cluster
from knowngood.shell.engine import Engine
from knowngood.shell.settings import Settings
from knowngood.shell.store import Store
from tests import builders as b


class Api:
    """Takes no write."""

    async def patch(self, *_: Any, **__: Any) -> Any:
        raise ApiError(0, "NotLeading", "the Lease was not renewed in time")


class Refusing:
    """An API server that has moved on whenever one writes, and counts how often that was tried."""

    def __init__(self, raw: Any, status: int = 409) -> None:
        self.raw, self.status, self.tries = raw, status, 0

    async def get(self, *_: Any) -> Any:
        return self.raw

    async def patch(self, *_: Any, **__: Any) -> Any:
        self.tries += 1
        raise ApiError(self.status, "Conflict" if self.status == 409 else "Invalid", "refused")


def known(model: Any) -> Any:
    raw = model.to_object()
    raw["metadata"]["resourceVersion"] = "1"
    return raw


class Taking:
    """An API server that takes what is written, and keeps it."""

    def __init__(self, raw: Any) -> None:
        self.raw, self.written = raw, list[str]()

    async def patch(self, *what: Any, **how: Any) -> Any:
        self.written.append(f"{what} {how}")
        return self.raw


async def test_a_policys_status_says_which_name_nobody_has() -> None:
    raw, key = known(b.policy()), (b.NAMESPACE, b.POLICY)
    raw["metadata"] = {"namespace": b.NAMESPACE, "uid": "uid", **raw["metadata"]}
    api, store = Taking(raw), Store()
    store.apply(raw)
    engine = Engine(cast(Cluster, api), store, {}, Settings())
    engine._poller.source_states[key] = DataState.OK, ""
    engine._poller.remarks[key] = {"often": "no model has a series of bad_total", b.SIGNAL: ""}
    await engine._policy(key)
    (written,) = api.written
    assert "NameNotSeen" in written
    assert "often: no model has a series of bad_total" in written


@pytest.mark.parametrize("kind", ["policy", "playbook"])
async def test_a_status_that_always_conflicts_is_tried_again_with_rests(kind: str) -> None:
    raw = known(b.policy() if kind == "policy" else b.playbook())
    raw["metadata"] = {"namespace": b.NAMESPACE, "uid": "uid", **raw["metadata"]}
    api, store = Refusing(raw), Store()
    store.apply(raw)
    engine = Engine(cast(Cluster, api), store, {}, Settings())
    queue = engine._policy_queue if kind == "policy" else engine._playbooks
    queue.add((b.NAMESPACE, raw["metadata"]["name"]))
    working = asyncio.create_task(queue.run())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await working
    assert 2 <= api.tries <= 6


async def test_a_models_status_that_is_refused_does_not_put_off_its_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = known(b.model())
    api, store, looks = Refusing(raw, 422), Store(), 0
    store.apply(raw)
    engine = Engine(cast(Cluster, api), store, {}, Settings())

    async def reconcile(_: Any) -> float:
        nonlocal looks
        looks += 1
        return 0.01

    monkeypatch.setattr(engine._incidents, "reconcile", reconcile)
    engine._models.add((b.NAMESPACE, b.MODEL))
    working = asyncio.create_task(engine._models.run())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await working
    assert looks > 20


async def test_a_release_that_is_not_let_be_proven_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Admission may have refused what it had not read yet; no verdict need ever change again."""
    store, tries, proven = Store(), 0, asyncio.Event()
    store.apply(known(b.model()))
    engine = Engine(cast(Cluster, Api()), store, {}, Settings())

    async def reconcile(_: Any) -> None:
        return None

    async def write(_: Any) -> bool:
        nonlocal tries
        tries += 1
        if tries == 3:
            proven.set()
        return tries < 3

    monkeypatch.setattr(engine._incidents, "reconcile", reconcile)
    monkeypatch.setattr(engine, "_write_model_status", write)
    engine._models.add((b.NAMESPACE, b.MODEL))
    working = asyncio.create_task(engine._models.run())
    async with asyncio.timeout(5.0):
        await proven.wait()
    working.cancel()


async def test_a_cancelled_worker_ends_whatever_its_last_write_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    raw = b.model().to_object()
    raw["metadata"]["resourceVersion"] = "1"
    store.apply(raw)
    engine = Engine(cast(Cluster, Api()), store, {}, Settings())
    begun = asyncio.Event()

    async def reconcile(_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(engine._incidents, "reconcile", reconcile)
    worker = asyncio.create_task(engine._model((b.NAMESPACE, b.MODEL)))
    await begun.wait()
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
