"""A strategic merge patch as the operations of a JSON patch, for kinds of which the API server merges no lists.

The containers of a pod template, and their variables, are told apart by name as in a Deployment. An index holds only
for the object as it was read; each is tested.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Raw = Mapping[str, Any]
Operation = dict[str, Any]
_BY_NAME = frozenset({"containers", "initContainers", "env"})


def operations(found: Raw, patch: Raw) -> list[Operation]:
    """What turns ``found`` into what the strategic merge patch would make of it; nothing where it is that already."""
    return list(_map("", found, patch))


def _map(at: str, found: Raw, patch: Raw) -> Iterator[Operation]:
    for key, wanted in patch.items():
        path, have = f"{at}/{_escaped(key)}", found.get(key)
        if wanted is None:
            if key in found:
                yield {"op": "remove", "path": path}
        elif key in _BY_NAME:
            yield from _list(path, have or [], wanted)
        elif isinstance(wanted, Mapping) and isinstance(have, Mapping):
            yield from _map(path, have, wanted)
        elif have != wanted and (have is not None or _made(wanted) != {}):
            yield {"op": "add", "path": path, "value": _made(wanted)}


def _list(path: str, found: Sequence[Raw], patch: Sequence[Raw]) -> Iterator[Operation]:
    """Changes first, then what goes, from the end, then what is new: so that no index moves before it is used.

    Of several of one name the last is in force, so it is changed; all of them go.
    """
    places = {item.get("name"): index for index, item in enumerate(found)}
    known = [item for item in patch if item["name"] in places]
    for item in (i for i in known if not _goes(i)):
        index = places[item["name"]]
        changes = list(_map(f"{path}/{index}", found[index], item))
        if changes:
            yield _named(path, index, item)
            yield from changes
    gone = {item["name"] for item in known if _goes(item)}
    for index in reversed([at for at, item in enumerate(found) if item.get("name") in gone]):
        yield _named(path, index, found[index])
        yield {"op": "remove", "path": f"{path}/{index}"}
    new = [_made(item) for item in patch if item["name"] not in places and not _goes(item)]
    if not found and new:
        yield {"op": "add", "path": path, "value": new}
        return
    for item in new:
        yield {"op": "add", "path": f"{path}/-", "value": item}


def _named(path: str, index: int, item: Raw) -> Operation:
    return {"op": "test", "path": f"{path}/{index}/name", "value": item["name"]}


def _goes(item: Raw) -> bool:
    return item.get("$patch") == "delete"


def _made(value: Any) -> Any:
    """What the patch says without what it takes away."""
    if isinstance(value, Mapping):
        return {key: _made(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_made(item) for item in value if not (isinstance(item, Mapping) and _goes(item))]
    return value


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
