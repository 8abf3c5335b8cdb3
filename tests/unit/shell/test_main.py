"""A part that ends by itself ends the process, which says why."""

import asyncio
from typing import Any, cast

import pytest

from knowngood.shell import main
from knowngood.shell.cluster import Cluster
from knowngood.shell.main import Operator
from knowngood.shell.settings import Settings


@pytest.fixture(autouse=True)
def _parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part does anything until the process stops."""

    async def serve(_app: Any, _host: str, _port: int, stop: asyncio.Event) -> None:
        await stop.wait()

    async def forever(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(main.http, "serve", serve)
    for part in ("_keep_listed", "_heartbeat", "_lead"):
        monkeypatch.setattr(Operator, part, forever)


async def failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(*_: Any) -> None:
        raise OSError("the watch's own")

    monkeypatch.setattr(main.Watcher, "run", run)
    await Operator(Settings(), cast(Cluster, None)).run()


async def test_what_failed_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="the watch's own"):
        await failed(monkeypatch)


async def test_what_was_only_cancelled_does_not_hide_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancelled(*_: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(Operator, "_lead", cancelled)
    for _ in range(20):  # which of the two is looked at first is not said
        with pytest.raises(OSError, match="the watch's own"):
            await failed(monkeypatch)
