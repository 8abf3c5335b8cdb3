"""Status writes: the difference as a merge patch, only against the version that was read, only where there is one."""

from typing import Any

from knowngood.shell import cluster as c
from knowngood.shell.store import Entry, Key, Store


def difference(old: Any, new: Any) -> Any:
    """The JSON merge patch (RFC 7386) that makes ``new`` of ``old``; an empty object where they are equal."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif old[key] != value:
            patch[key] = difference(old[key], value)
    return patch


async def write_status(
    api: c.Cluster, store: Store, resource: c.Resource, key: Key, old: dict[str, Any], new: dict[str, Any]
) -> bool:
    """Write a status; False where nothing was to be written. Raises ApiError, a conflict among them."""
    patch = difference(old, new)
    if not patch:
        return False
    entry = entry_of(store, resource, key)
    written = await api.patch(
        resource,
        *key,
        {"status": patch},
        uid=entry.uid,
        resource_version=str(entry.version),
        sub="status",
    )
    store.apply(written)
    return True


def entry_of(store: Store, resource: c.Resource, key: Key) -> Entry:
    """The entry of an object that must be there; ApiError (404) where it is gone."""
    entry = store.entry(resource.kind, key)
    if entry is None:
        raise c.ApiError(404, "NotFound", f"{resource.kind} {key[0]}/{key[1]} is gone")
    return entry


async def refresh(api: c.Cluster, store: Store, resource: c.Resource, key: Key) -> None:
    """Read an object again, for one that a conflict showed to be old."""
    try:
        store.apply(await api.get(resource, *key))
    except c.ApiError as error:
        if not error.not_found:
            raise
        entry = store.entry(resource.kind, key)
        if entry is not None:
            store.drop(resource.kind, key, entry.uid)
