"""The moment of the operator's patch, by the API server's own audit log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.demo.moments import parse


@dataclass(frozen=True)
class Patch:
    """One accepted patch of the workload that sets its image."""

    at: datetime
    user: str
    image: str


def _image_set(entry: dict[str, Any], container: str) -> str:
    body = entry.get("requestObject")
    if isinstance(body, dict):
        containers = body.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
        return next((c.get("image", "") for c in containers if c.get("name") == container), "")
    return ""


def _accepted(entry: dict[str, Any], namespace: str, name: str) -> bool:
    target = entry.get("objectRef", {})
    return (
        entry.get("stage") == "ResponseComplete"
        and entry.get("verb") == "patch"
        and (target.get("resource"), target.get("namespace"), target.get("name")) == ("deployments", namespace, name)
        and not target.get("subresource")
        and entry.get("responseStatus", {}).get("code", 500) < 300
    )


def patches(lines: Iterable[str], namespace: str, name: str, container: str) -> Iterator[Patch]:
    """Accepted patches of Deployment `name` that set the image of `container`, in the log's order.

    A last line that is still being written is skipped.
    """
    for line in lines:
        if '"deployments"' not in line or '"patch"' not in line:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        at = parse(entry.get("requestReceivedTimestamp"))
        image = _image_set(entry, container)
        if at and image and _accepted(entry, namespace, name):
            yield Patch(at, entry.get("user", {}).get("username", ""), image)


def first_patch(found: Iterable[Patch], accounts: str, image: str, after: datetime) -> Patch | None:
    """The first patch to `image` after `after` by a user whose name begins with `accounts`."""
    fitting = (p for p in found if p.user.startswith(accounts) and p.image == image and p.at >= after)
    return min(fitting, key=lambda p: p.at, default=None)
