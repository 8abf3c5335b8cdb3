"""What a patch touches."""

from collections.abc import Iterator, Mapping
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
