"""Image references: repository, tag and digest, as people and kubelets write them."""

import re
from dataclasses import dataclass

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Image:
    """A parsed image reference. ``repository`` keeps registry and path; ``tag`` and ``digest`` may be empty."""

    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def pinned(self) -> str:
        """The reference by digest, or an empty string where repository or digest is unknown."""
        return f"{self.repository}@{self.digest}" if self.repository and self.digest else ""


def parse_image(reference: str) -> Image:
    """Parse ``[registry/]repository[:tag][@digest]``.

    A kubelet's ``imageID`` may carry a scheme (``docker-pullable://``) or be a bare digest; both are read. A
    reference that holds no digest gets an empty one; nothing is ever guessed.
    """
    text = reference.split("://", 1)[-1]
    if DIGEST.fullmatch(text):
        return Image(repository="", digest=text)
    name, _, digest = text.partition("@")
    if digest and not DIGEST.fullmatch(digest):
        digest = ""
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return Image(repository=head + slash + last, tag=tag, digest=digest)


def short_digest(reference: str) -> str:
    """The first 12 hexadecimal digits of the digest in ``reference``, or an empty string."""
    found = DIGEST.search(reference)
    return found.group()[len("sha256:") :][:_SHORT] if found else ""


def in_registry(reference: str, allowed: tuple[str, ...]) -> bool:
    """Whether ``reference`` lies under one of ``allowed`` (``host[:port][/path]``, whole path elements)."""
    repository = parse_image(reference).repository
    return any(repository == prefix or repository.startswith(prefix.rstrip("/") + "/") for prefix in allowed)


def same_image(one: str, other: str) -> bool:
    """Whether two references name the same image, perhaps by a mirror that the cluster's own admission put there.

    A mirror changes the registry and the path before the name; it keeps the digest, or the name and the tag.
    """
    if one == other:
        return True
    digests = parse_image(one).digest, parse_image(other).digest
    if any(digests):
        return digests[0] == digests[1]
    return one.rpartition("/")[2] == other.rpartition("/")[2]
