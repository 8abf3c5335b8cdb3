"""What a patch touches, and what a JSON patch makes of an object."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def paths(value: Any, at: str = "") -> Iterator[str]:
    """The leaves of a patch; items of lists of containers are told apart by name and shown as `*`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not (key == "name" and at.endswith("*")):
                yield from paths(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list) and at.endswith(("containers", "initContainers")):
        for item in value:
            yield from paths(item, f"{at}.*")
    else:
        yield at


def applied(found: Any, operations: Iterable[Mapping[str, Any]]) -> Any:
    """A JSON patch (RFC 6902) as the API server applies it, as far as `add`, `remove` and `test` go."""
    made = copy.deepcopy(found)
    for operation in operations:
        *above, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        inside = made
        for part in above:
            inside = inside[int(part)] if isinstance(inside, list) else inside[part]
        key: Any = last if not isinstance(inside, list) else len(inside) if last == "-" else int(last)
        match operation["op"]:
            case "test":
                assert inside[key] == operation["value"], operation
            case "remove":
                del inside[key]
            case "add" if isinstance(inside, list):
                inside.insert(key, operation["value"])
            case "add":
                inside[key] = operation["value"]
            case other:
                raise AssertionError(other)
    return made
