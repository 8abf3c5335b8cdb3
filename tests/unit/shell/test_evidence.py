"""Evidence never holds up a containment: neither by time nor by what it cannot read."""

import asyncio
from typing import Any, cast

import pytest

from knowngood.core.incidents import evidence as build
from knowngood.core.incidents.neighbours import Neighbour, digest_of
from knowngood.core.incidents.opening import first_status
from knowngood.core.signals.answer import Answer, DataState, Series
from knowngood.shell import evidence
from knowngood.shell.cluster import Cluster
from tests import builders as b


class Api:
    """ReplicaSets as asked for."""

    def __init__(self, answer: Any, delay: float = 0.0) -> None:
        self._answer, self._delay = answer, delay

    async def get(self, _: Any, __: str, name: str) -> Any:
        return {"metadata": {"name": name, "creationTimestamp": "2026-11-23T06:00:00Z"}, "data": {"version": "v4"}}

    async def list(self, *_: Any) -> Any:
        await asyncio.sleep(self._delay)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Source:
    """A source whose every series has two samples."""

    def __init__(self, many: int) -> None:
        self._many = many

    async def query(self, text: str, timeout: float) -> Answer:
        labels = ({"__name__": text.partition("{")[0], "group": f"{n:03}"} for n in range(self._many))
        points = ((b.START.timestamp(), 1.0), (b.START.timestamp() + 5, 2.0))
        return Answer(DataState.OK, series=tuple(Series(one, points) for one in labels))

    async def exemplars(self, *_: Any) -> list[Any]:
        return []


async def frozen(api: Api, budget: float = 1.0, facts: Any = None, sources: Any = None) -> Any:
    return await evidence.freeze(facts or b.facts(), budget, cast(Cluster, api), sources or {}, 240)


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


DEPENDENCIES = [
    {"name": "pipeline", "configMapKeyRef": {"name": "settings", "key": "version"}, "contract": "features"},
    {"name": "embedder", "modelRef": {"name": "embedder"}, "contract": "embeddings"},
]


async def test_neighbours_are_read_beside_what_is_mounted_each_once() -> None:
    template = {"spec": {"volumes": [{"name": "c", "configMap": {"name": "settings"}}], "containers": []}}
    facts = b.facts(
        model=b.model({"dependencies": DEPENDENCIES}),
        workload=b.workload(raw_template=template),
        neighbours={"embedder": Neighbour(b.model(name="embedder"))},
    )
    found = await frozen(Api(([], "1")), facts=facts)
    assert [(c.name, c.changed_at, c.live) for c in found.configs] == [("settings", b.START, False)]
    assert [(d.name, d.version, d.changed_at) for d in found.dependencies] == [
        ("pipeline", digest_of("v4"), b.START),
        ("embedder", "", None),
    ]


async def test_a_dependency_that_is_not_mounted_is_no_mounted_configuration() -> None:
    found = await frozen(Api(([], "1")), facts=b.facts(model=b.model({"dependencies": DEPENDENCIES})))
    assert found.configs == []
    assert [d.name for d in found.dependencies] == ["pipeline"]


@pytest.mark.parametrize("many", [1, 100])
async def test_each_part_of_a_ratio_keeps_the_same_series(many: int) -> None:
    facts = b.facts()
    status = first_status(b.model(), facts.incident, 1, [b.view()], b.pods(), b.CONTAINER, b.at(10))
    sources = {b.compiled().source: Source(many)}
    found = await frozen(Api(([], "1")), facts=facts.with_status(status), sources=sources)
    kept = {part: [s.labels["group"] for s in found.series if s.part == part] for part in ("good", "total")}
    assert kept["good"] == kept["total"]
    assert len(found.series) == min(2 * many, build.MAX_SERIES)
