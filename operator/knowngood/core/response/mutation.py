"""What an action wants written: a target with its precondition, and a patch of exactly what it declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


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
    """A merge patch of ``target`` (strategic where the API has that), valid only while it is at that version.

    ``sub`` names the subresource that is patched; empty: the object itself.
    """

    target: Target
    patch: Mapping[str, Any]
    sub: str = ""


@dataclass(frozen=True, slots=True)
class Creation:
    """An object that is made; where one of its name is there already, everything is looked at again."""

    api_version: str
    kind: str
    namespace: str
    name: str
    body: Mapping[str, Any]


Write = Mutation | Creation


@dataclass(frozen=True, slots=True)
class Verb:
    """A right that an action needs; the Role is made of these."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    templates: bool = False  # granted only in namespaces whose Job templates the administrator allows, to those


class Versioned(Protocol):
    """An object as it was read."""

    @property
    def api_version(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def namespace(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def uid(self) -> str: ...  # noqa: D102
    @property
    def resource_version(self) -> str: ...  # noqa: D102


def target_of(found: Versioned) -> Target:
    """The object as a target, at the version that was read."""
    return Target(found.api_version, found.kind, found.namespace, found.name, found.uid, found.resource_version)
