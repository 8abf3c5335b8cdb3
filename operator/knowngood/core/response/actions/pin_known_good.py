"""PinKnownGood: put the workload's containers back on the known-good images.

It declares the images and variables of the pinned containers and one annotation of its own; nothing else is touched.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from knowngood.api import GROUP
from knowngood.core.facts.images import same_image
from knowngood.core.facts.workload import Workload
from knowngood.core.response.knowngood import Pin
from knowngood.core.response.mutation import Mutation, Target, Verb

NAME = "PinKnownGood"
VERBS = (
    Verb("apps", "deployments", ("get", "list", "watch", "patch")),
    Verb("apps", "statefulsets", ("get", "list", "watch", "patch")),
)
ANNOTATION = f"{GROUP}/pinned-by"


class State(Enum):
    """How the workload stands to the pin."""

    AS_SEEN = "as it was when the intent was written"
    PINNED = "already declares the pin"
    CHANGED = "declares something else: another writer was here"


def state(workload: Workload, pins: Sequence[Pin], seen: Mapping[str, str]) -> State:
    """Compare the declared fields of ``workload`` with the pin and with ``seen`` (container to image)."""
    if all(_holds(workload, pin) for pin in pins):
        return State.PINNED
    if all(workload.images.get(pin.container) == seen.get(pin.container) for pin in pins):
        return State.AS_SEEN
    return State.CHANGED


def _holds(workload: Workload, pin: Pin) -> bool:
    container = workload.container(pin.container)
    if container is None or not same_image(container.image, pin.image):
        return False
    env = dict(container.env)
    return all(env.get(name) == value for name, value in pin.env) and not set(pin.remove_env) & set(env)


def mutation(workload: Workload, pins: Sequence[Pin], incident: str) -> Mutation:
    """The strategic merge patch that pins ``workload``, on behalf of the incident of that name."""
    patch = {
        "metadata": {"annotations": {ANNOTATION: incident}},
        "spec": {"template": {"spec": {"containers": [_container(pin) for pin in pins]}}},
    }
    return Mutation(target_of(workload), patch)


def _container(pin: Pin) -> dict[str, Any]:
    patch: dict[str, Any] = {"name": pin.container, "image": pin.image}
    env: list[dict[str, str]] = [{"name": name, "value": value} for name, value in pin.env]
    env += [{"name": name, "$patch": "delete"} for name in pin.remove_env]
    if env:
        patch["env"] = env
    return patch


def target_of(workload: Workload) -> Target:
    """The workload as a target, at the version that was read."""
    return Target(
        workload.api_version,
        workload.kind,
        workload.namespace,
        workload.name,
        workload.uid,
        workload.resource_version,
    )
