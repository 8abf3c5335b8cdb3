"""The full status of an incident, with everything in it as long and as many as hostile names and labels make it."""

import copy
from typing import Any

from hypothesis import strategies as st

from tests.conformance.crds.statuses import INCIDENT

INFLATIONS: dict[str, st.SearchStrategy[Any]] = {
    "letter": st.sampled_from(["x", "ü", "日", "😀", '"', "\\", "\n", "\x01"]),
    "length_items": st.sampled_from([(1, 1), (1, 130), (100, 40), (1_024, 20), (4_096, 10), (20_000, 3)]),
}
_TEXTS = {"message", "summary", "query", "value", "precondition", "effect", "undo", "node", "item", "threshold"}
_WORDS = {"image", "imageID"}
_NAMED = {"name", "replicaSet"}
_NEVER = {"conditions", "ignoredDecisions", "ran"}


def inflated(letter: str, length_items: tuple[int, int]) -> dict[str, Any]:
    """``letter`` repeated in every free text, and as many of everything that is a list."""
    length, items = length_items
    made: dict[str, Any] = _more(copy.deepcopy(INCIDENT), "", letter * length, items)
    return made


def _more(value: Any, key: str, text: str, items: int) -> Any:
    if isinstance(value, dict):
        made = {k: _more(v, k, text, items) for k, v in value.items()}
        if key in ("labels", "segment"):
            made |= {f"l{i}": text for i in range(items)}
        return made
    if isinstance(value, list):
        found = [_more(item, key, text, items) for item in value]
        if key in _NEVER or not found:
            return found
        return [_numbered(copy.deepcopy(found[0]), i) for i in range(items)] if len(found) < items else found
    if isinstance(value, str) and key in _WORDS:  # a kubelet refuses what is no reference, long or not
        return "x" * min(len(text), 512) + value
    if isinstance(value, str) and key in _TEXTS:
        return value + text
    return value


def _numbered(item: Any, number: int) -> Any:
    if isinstance(item, dict):
        return {k: f"{v}-{number}" if k in _NAMED else v for k, v in item.items()}
    return item
