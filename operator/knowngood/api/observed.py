"""Small blocks that several statuses share."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from knowngood.api.base import ObservedModel

Image = Annotated[str, Field(max_length=1024)]
"""An image reference as it was seen, by tag or digest."""
ShortText = Annotated[str, Field(max_length=253)]
"""A name or a short value."""
Reason = Annotated[str, Field(max_length=128)]
"""A word in CamelCase for machines."""
Message = Annotated[str, Field(max_length=4096)]
"""A sentence for people."""


class Verdict(StrEnum):
    """What a signal says, from best to worst; compare by `rank`."""

    HEALTHY = "Healthy"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"
    BREACH = "Breach"

    @property
    def rank(self) -> int:
        """0 for Healthy to 3 for Breach."""
        return _RANKS[self]


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


class CauseKind(StrEnum):
    """What may change, and so be the cause."""

    RELEASE = "Release"
    CONFIGURATION = "Configuration"
    ENVIRONMENT = "Environment"
    REPLICAS = "Replicas"
    INPUT_DISTRIBUTION = "InputDistribution"
    DEPENDENCY = "Dependency"
    UPSTREAM = "Upstream"
    UNKNOWN = "Unknown"


class NamedImage(ObservedModel):
    """A container and its image."""

    name: ShortText = Field(description="The container's name.")
    image: Image = Field(description="Its image.")


class RunningContainer(NamedImage):
    """A container that runs, and what its image resolved to."""

    digest: ShortText = Field(default="", description="sha256:… that the image resolved to; empty: not known yet.")
