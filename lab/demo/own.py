"""The demo deletes and upgrades only what a demo made: its namespaces carry a mark."""

from __future__ import annotations

import json
from collections.abc import Callable

from lab.demo.cluster import CommandError

MARK = "knowngood.dev/demo"


def exists(kubectl: Callable[..., str], name: str) -> bool:
    """Whether the namespace is there; CommandError where somebody else made it."""
    found = kubectl("get", "namespace", name, "--ignore-not-found", "-o", "json").strip()
    if not found:
        return False
    if (json.loads(found)["metadata"].get("labels") or {}).get(MARK) == "true":
        return True
    raise CommandError(
        f"the namespace {name} is there and was not made by a demo (it lacks the label {MARK}=true). "
        "The demo would delete the model's namespace and upgrade the operator in its own: use another cluster, "
        f"or, where that may happen, `kubectl label namespace {name} {MARK}=true`."
    )


def claim(kubectl: Callable[..., str], name: str) -> None:
    """Make the namespace, with the mark, unless a demo did so before; CommandError where somebody else did."""
    if not exists(kubectl, name):
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, f"{MARK}=true")
