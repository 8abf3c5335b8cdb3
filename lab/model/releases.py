"""The releases of the digits model; a build argument picks one.

Serving differs between them as it would between commits of a real service. Release
1.1.0 carries a mistake of the kind that no status code shows: its network is good, its
offline accuracy is good, and the new image decoder hands the pixels over column by column.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Release:
    """What one release is made of."""

    version: str
    hidden: tuple[int, ...]
    """Sizes of the hidden layers; none means plain logistic regression."""
    decoder: Literal["rows", "columns"]
    """The order in which serving reads the pixels; the network was trained on rows."""


RELEASES: dict[str, Release] = {
    release.version: release
    for release in (
        Release("1.0.0", hidden=(), decoder="rows"),
        Release("1.1.0", hidden=(64, 32), decoder="columns"),
        Release("1.2.0", hidden=(128, 64), decoder="rows"),
    )
}

GOOD, BAD, BETTER = RELEASES


def release_of(version: str) -> Release:
    """The release named `version`; ValueError names those that exist."""
    try:
        return RELEASES[version]
    except KeyError:
        raise ValueError(f"release {version!r} does not exist; one of {', '.join(RELEASES)}") from None
