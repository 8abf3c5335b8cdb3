"""Gives fields back that were just written, so that whoever applies the object next is not refused because of us."""

import structlog

from knowngood.core.facts.ownership import given_back
from knowngood.shell import cluster as c

log = structlog.get_logger()
_TRIES = 5  # controllers write the status of what was just patched


async def give_back(api: c.Cluster, resource: c.Resource, written: c.Raw) -> c.Raw:
    """The object as it is then. That it cannot be given back is said in the log, and holds nothing up."""
    meta, found = written["metadata"], written
    namespace, name = meta["namespace"], meta["name"]
    for _ in range(_TRIES):
        entries = given_back(found)
        if entries is None:
            return found
        now = found["metadata"]
        guards = {"uid": now["uid"], "resource_version": now["resourceVersion"]}
        try:
            return await api.patch(resource, namespace, name, {"metadata": {"managedFields": entries}}, **guards)
        except c.ApiError as error:
            said = error
        if not said.conflict:
            break
        try:
            again = await api.get(resource, namespace, name)
        except c.ApiError as error:
            said = error
            break
        if again["metadata"]["uid"] != meta["uid"]:
            return found
        found = again
    log.warning("fields not given back", kind=resource.kind, namespace=namespace, name=name, error=str(said))
    return found
