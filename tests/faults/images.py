"""The releases of the model: images by digest, the label that their series carry, and how right their answers are."""

from typing import Final

REGISTRY: Final = "registry.local:5000"
STUCK: Final = "stuck"  # in an image's repository: its pods never get ready


def image(letter: str, name: str = "model") -> str:
    """An image by digest."""
    return f"{REGISTRY}/{name}@sha256:{letter * 64}"


GOOD: Final = image("a")
BAD: Final = image("b")
NEVER_READY: Final = image("c", STUCK)
REVISION: Final = "MODEL_REVISION"  # a variable of the container, which is part of a release
RELEASES: Final = {GOOD: "7", BAD: "8"}
ACCURACY: Final = {"7": 0.99, "8": 0.5}
