"""The end of a term ends every worker, in whatever it is."""

import asyncio
from typing import Any, cast

import pytest

from knowngood.shell.cluster import ApiError, Cluster
from knowngood.shell.engine import Engine
from knowngood.shell.settings import Settings
from knowngood.shell.store import Store
from tests import builders as b


class Api:
    """Takes no write."""

    async def patch(self, *_: Any, **__: Any) -> Any:
        raise ApiError(0, "NotLeading", "the Lease was not renewed in time")


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
