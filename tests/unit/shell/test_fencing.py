"""Taking over: what was open is touched before it is taken further, and one that cannot be holds up itself alone."""

from typing import Any, cast

import pytest

from knowngood.api.aiincident import AIIncident
from knowngood.core.response import machine
from knowngood.core.response.effects import FreezeEvidence
from knowngood.shell.cluster import ApiError, Cluster
from knowngood.shell.fencing import Fence
from knowngood.shell.store import Store
from tests import builders as b
from tests.loop import raw_deployment


class Api:
    """One incident whose version moves at each touch; ``refusal``: what every touch is answered instead."""

    def __init__(self, raw: dict[str, Any], refusal: ApiError | None = None) -> None:
        self.raw, self.refusal, self.touches = raw, refusal, 0

    async def patch(self, _resource: Any, _namespace: str, _name: str, _body: Any, **_: Any) -> dict[str, Any]:
        self.touches += 1
        if self.refusal is not None:
            raise self.refusal
        self.raw["metadata"]["resourceVersion"] = str(int(self.raw["metadata"]["resourceVersion"]) + 1)
        return self.raw

    async def get(self, *_: Any) -> dict[str, Any]:
        return self.raw


def stood(refusal: ApiError | None = None) -> tuple[Fence, Api, AIIncident]:
    incident = b.incident()
    store = Store()
    raw = incident.to_object()
    store.apply(raw)
    api = Api(raw, refusal)
    return Fence(cast(Cluster, api), store, "two/1", lambda: False), api, incident


async def test_what_was_open_is_touched_once_a_term() -> None:
    fence, api, incident = stood()
    for _ in range(3):
        await fence.passed(incident)
    assert api.touches == 1


@pytest.mark.parametrize("status", [409, 500, 0])
async def test_nothing_passes_that_could_not_be_touched(status: int) -> None:
    fence, api, incident = stood(ApiError(status, "Conflict" if status == 409 else "", "no"))
    for _ in range(2):
        with pytest.raises(ApiError) as raised:
            await fence.passed(incident)
        assert not raised.value.conflict, "a conflict is looked at again at once, and this may last"
    assert 2 <= api.touches <= 10
    api.refusal = None
    await fence.passed(incident)


async def test_the_rest_of_a_takeover_raises_nothing() -> None:
    fence, api, _ = stood(ApiError(409, "Conflict", "no"))
    await fence.run()
    assert api.touches


async def test_a_target_that_was_passed_over_while_all_is_stopped_is_touched_later() -> None:
    stopped, store = [True], Store()
    planned = machine.decide(b.facts())
    assert isinstance(planned, FreezeEvidence)
    incident = b.incident(planned.status.to_object())
    store.apply(incident.to_object())
    workload = raw_deployment()
    store.apply(workload)
    touched: list[str] = []

    class Both:
        async def patch(self, resource: Any, _namespace: str, _name: str, _body: Any, **_: Any) -> dict[str, Any]:
            touched.append(resource.kind)
            return incident.to_object() if resource.kind == "AIIncident" else workload

    fence = Fence(cast(Cluster, Both()), store, "two/1", lambda: stopped[0])
    for _ in range(3):
        await fence.passed(incident)
    assert touched == ["AIIncident"]
    stopped[0] = False
    for _ in range(3):
        await fence.passed(incident)
    assert touched == ["AIIncident", "Deployment"]
