"""Fields are given back at the version that was just written, or at a later one; nothing waits for it."""

from typing import Any, cast

import pytest

from knowngood.shell import cluster as c
from knowngood.shell.ownership import give_back

HELM = {"manager": "helm", "operation": "Apply", "fieldsV1": {}}
OURS = {"manager": "knowngood", "operation": "Update", "fieldsV1": {"f:spec": {}}}


def raw(version: int, *entries: dict[str, Any], uid: str = "u-1") -> dict[str, Any]:
    meta = {"name": "digits", "namespace": "vision", "uid": uid, "resourceVersion": str(version)}
    return {"metadata": {**meta, "managedFields": list(entries)}}


class Api:
    """Refuses as often as refusals are listed; what is read again is the next version."""

    def __init__(self, *refusals: c.ApiError, uid: str = "u-1") -> None:
        self.refusals, self.uid, self.version, self.patches = list(refusals), uid, 100, list[Any]()

    async def patch(self, _: c.Resource, namespace: str, name: str, body: Any, **guards: str) -> Any:
        self.patches.append((namespace, name, body, guards))
        if self.refusals:
            raise self.refusals.pop(0)
        return raw(self.version + 1, *body["metadata"]["managedFields"])

    async def get(self, *_: Any) -> Any:
        self.version += 1
        return raw(self.version, HELM, OURS, uid=self.uid)


async def back(api: Api, found: dict[str, Any]) -> Any:
    return await give_back(cast(c.Cluster, api), c.DEPLOYMENTS, found)


async def test_what_is_given_back_names_the_object_at_its_version() -> None:
    api = Api()
    found = await back(api, raw(100, HELM, OURS))
    guards = {"uid": "u-1", "resource_version": "100"}
    assert api.patches == [("vision", "digits", {"metadata": {"managedFields": [HELM]}}, guards)]
    assert found["metadata"]["managedFields"] == [HELM]


async def test_where_nothing_is_held_nothing_is_sent() -> None:
    api = Api()
    assert await back(api, raw(100, HELM)) == raw(100, HELM)
    assert api.patches == []


async def test_a_controller_that_wrote_meanwhile_is_no_obstacle() -> None:
    api = Api(c.ApiError(409, "Conflict", "changed"))
    await back(api, raw(100, HELM, OURS))
    assert [guards["resource_version"] for *_, guards in api.patches] == ["100", "101"]


@pytest.mark.parametrize("error", [c.ApiError(403, "Forbidden", "no"), c.ApiError(0, "Unreachable", "no answer")])
async def test_one_that_is_refused_is_left(error: c.ApiError) -> None:
    api = Api(error)
    assert await back(api, raw(100, HELM, OURS)) == raw(100, HELM, OURS)
    assert len(api.patches) == 1


async def test_it_is_not_tried_for_ever_and_not_on_another_object() -> None:
    api = Api(*[c.ApiError(409, "Conflict", "changed")] * 50)
    await back(api, raw(100, HELM, OURS))
    assert len(api.patches) < 10
    other = Api(c.ApiError(409, "Conflict", "changed"), uid="u-2")
    await back(other, raw(100, HELM, OURS))
    assert len(other.patches) == 1
