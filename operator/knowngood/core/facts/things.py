"""Objects beside the workload that a step reads or writes: Services, ConfigMaps and the like, as the API gave them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from knowngood.api import LABEL_MODEL

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ref:
    """An object of the incident's namespace."""

    kind: str
    name: str

    def __str__(self) -> str:
        """As people call it."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Thing:
    """An object as it was read; what only some kinds have is in ``raw``."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    raw: Raw = field(default_factory=dict, repr=False)

    def consents(self, model: str) -> bool:
        """Whether its owner lets the operator change it for that model."""
        return self.labels.get(LABEL_MODEL) == model


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found where an object was looked for: it, nothing, or why it could not be read."""

    thing: Thing | None = None
    problem: str = ""


def read_thing(raw: Raw) -> Thing:
    """A Thing from the API's JSON."""
    meta = raw.get("metadata") or {}
    return Thing(
        api_version=raw.get("apiVersion", ""),
        kind=raw.get("kind", ""),
        namespace=meta.get("namespace", ""),
        name=meta.get("name", ""),
        uid=meta.get("uid", ""),
        resource_version=meta.get("resourceVersion", ""),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        raw=raw,
    )
