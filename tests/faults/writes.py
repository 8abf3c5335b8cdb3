"""The operator's writes as the proxy sees them, each by a name that a second run gives the same write again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

Raw = dict[str, Any]
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_EFFECTS = {
    "deployments": ("image", "pause", "scale"),
    "services": ("route",),
    "pods": ("cut", "deadline"),
    "configmaps": ("flag",),
    "modeldeployments/status": ("quarantine",),
}
_PLACE = re.compile(r"PATCH ([a-z/]+) \[(\w+)\]")


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
    def kind(self) -> str:
        """The place without the count of its like."""
        return self.place.partition(" #")[0]

    @property
    def effect(self) -> str:
        """What it does to callers, workloads and evidence; empty for marks of a new leader and records."""
        return effect_of(self.place)


def effect_of(place: str) -> str:
    """What the write of that place does; empty where it only records."""
    if place.startswith("POST networkpolicies"):
        return "deny"
    found = _PLACE.match(place)
    return found[2] if found and found[2] in _EFFECTS.get(found[1], ()) else ""


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


_SPECS = {
    "deployments": (("template", "image"), ("paused", "pause"), ("replicas", "scale")),
    "services": (("selector", "route"),),
}


def place_of(method: str, plural: str, sub: str, body: Mapping[str, Any]) -> str:
    """What this write is for, in words that do not depend on names and times."""
    target = f"{plural}/{sub}" if sub else plural
    words = _words(plural, sub, body)
    return f"{method} {target}" + (f" [{words}]" if words else "")


def _words(plural: str, sub: str, body: Mapping[str, Any]) -> str:
    if plural == "events":
        return str(body.get("reason", ""))
    if plural in _SPECS:
        return next((word for key, word in _SPECS[plural] if key in (body.get("spec") or {})), "fence")
    if plural == "pods":
        return "deadline" if "spec" in body else "cut" if "labels" in body["metadata"] else "fence"
    if plural == "configmaps":
        data = body.get("data")
        return "fence" if data is None else "state" if "state" in data else "flag"
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
    if "quarantined" in status:
        return "quarantine"
    if "phase" in status:
        return str(status["phase"])
    named: Sequence[str] = ("knownGood", "incidentRef", "episode", "releases", "running", "signals", "conditions")
    return ",".join(n for n in named if n in status)
