"""The operator's writes as the proxy sees them, each by a name that a second run gives the same write again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

Raw = dict[str, Any]
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass
class Write:
    """One request that writes; ``accepted`` is the API server's status, 0 where it never saw it."""

    number: int
    place: str
    method: str
    plural: str
    sub: str
    namespace: str
    name: str
    body: Raw = field(repr=False)
    at: float = 0.0
    accepted: int = 0
    answered_at: float = 0.0

    @property
    def committed(self) -> bool:
        """Whether the API server took it in."""
        return 200 <= self.accepted < 300

    @property
    def image_patch(self) -> bool:
        """Whether it changes more of a workload than the mark of a new leader."""
        return self.plural in {"deployments", "statefulsets"} and "spec" in self.body


def read_path(path: str) -> tuple[str, str, str, str]:
    """(plural, subresource, namespace, name) of an API path."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    plural, name, sub = (*parts, "", "", "")[:3]
    return plural, sub, namespace, name


def read_body(data: bytes) -> Raw:
    """The JSON of a body, a JSON patch as its ``operations``; empty where it is none."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {"operations": found} if isinstance(found, list) else {}


def place_of(method: str, plural: str, sub: str, body: Mapping[str, Any]) -> str:
    """What this write is for, in words that do not depend on names and times."""
    target = f"{plural}/{sub}" if sub else plural
    words = _words(plural, sub, body)
    return f"{method} {target}" + (f" [{words}]" if words else "")


def _words(plural: str, sub: str, body: Mapping[str, Any]) -> str:
    if plural == "events":
        return str(body.get("reason", ""))
    if plural == "deployments":
        return "image" if "template" in (body.get("spec") or {}) else "scale" if "spec" in body else "fence"
    if plural == "rollouts":
        return "image" if any("/template/" in step["path"] for step in body.get("operations", ())) else "fence"
    status = body.get("status") or {}
    if plural == "aiincidents":
        return _incident(status) if sub else ("open" if method_is_create(body) else "fence")
    if plural == "modeldeployments":
        return _model(status)
    return ""


def method_is_create(body: Mapping[str, Any]) -> bool:
    """Whether the body is a whole object."""
    return "kind" in body


def _incident(status: Mapping[str, Any]) -> str:
    steps = (status.get("plan") or {}).get("steps") or ()
    moved = [f"{s['name']}={s['state']}" for s in steps if s.get("state") not in (None, "Pending")]
    told = [str(e["reason"]) for e in status.get("timeline") or ()][-1:]
    return " ".join([*told, *moved]) or ",".join(sorted(status))


def _model(status: Mapping[str, Any]) -> str:
    """The phase it tells, else which of the fields that matter move."""
    if "phase" in status:
        return str(status["phase"])
    named: Sequence[str] = ("knownGood", "incidentRef", "episode", "releases", "running", "signals", "conditions")
    return ",".join(n for n in named if n in status)
