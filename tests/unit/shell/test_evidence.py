"""Evidence never holds up a containment: neither by time nor by what it cannot read."""

import asyncio
from typing import Any, cast

import pytest

from knowngood.core.incidents import evidence as build
from knowngood.shell import evidence
from knowngood.shell.cluster import Cluster
from tests import builders as b


class Api:
    """ReplicaSets as asked for."""

    def __init__(self, answer: Any, delay: float = 0.0) -> None:
        self._answer, self._delay = answer, delay

    async def list(self, *_: Any) -> Any:
        await asyncio.sleep(self._delay)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def frozen(api: Api, budget: float = 1.0) -> Any:
    return await evidence.freeze(b.facts(), budget, cast(Cluster, api), {}, 240)


async def test_what_fails_is_listed_with_its_reason() -> None:
    found = await frozen(Api(RuntimeError("no right to")))
    assert [(m.item, m.reason) for m in found.missing] == [("rollouts", "no right to")]
    assert found.workload is not None


async def test_what_is_not_there_in_time_is_listed() -> None:
    found = await frozen(Api(([], "1"), delay=60), budget=0.05)
    assert [m.item for m in found.missing] == ["rollouts"]
    assert "budget of 50ms" in found.missing[0].reason


async def test_what_cannot_be_read_is_said_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "workload", lambda _: 1 / 0)
    found = await frozen(Api(([], "1")))
    assert [m.item for m in found.missing] == ["everything"]
    assert "ZeroDivisionError" in found.missing[0].reason


async def test_a_rollout_without_metadata_is_no_reason_to_stop() -> None:
    found = await frozen(Api(([{"spec": {}}], "1")))
    assert [m.item for m in found.missing] == ["everything"]
