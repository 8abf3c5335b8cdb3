"""What an action wants written: a target with its precondition, and a patch of exactly what it declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """An object as it was when the decision was made."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """A strategic merge patch of ``target``, valid only while it is at ``target.resource_version``."""

    target: Target
    patch: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """A right that an action needs; the Role is made of these."""

    group: str
    resource: str
    verbs: tuple[str, ...]
