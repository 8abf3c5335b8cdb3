"""A Service's selector: read, compared, and written with what it was before in an annotation."""

from collections.abc import Mapping
from typing import Any

from knowngood.api import GROUP
from knowngood.core.facts.labels import Selector
from knowngood.core.facts.things import Thing
from knowngood.core.facts.workload import Pod
from knowngood.core.response import noted
from knowngood.core.response.mutation import Mutation, target_of

ROUTED_BY = f"{GROUP}/routed-by"
ROUTED_TO = (
    f"{GROUP}/routed-to"  # the workload that it is led to, as kind/name: admission looks at what that one selects
)
REPLACED = f"{GROUP}/replaced-selector"  # what the selector was before the first step, whatever came after it
ANNOTATIONS = (ROUTED_BY, ROUTED_TO, REPLACED)
WRITES = (*(f"metadata.annotations.{name}" for name in ANNOTATIONS), "spec.selector.*")
Labels = Mapping[str, str]


def selector_of(service: Thing) -> dict[str, str]:
    """What the Service selects by; empty where it selects nothing by itself."""
    return dict((service.raw.get("spec") or {}).get("selector") or {})


def selects(selector: Labels, pod: Pod) -> bool:
    """Whether the pod is behind a Service with that selector."""
    return Selector(tuple(selector.items())).selects(pod.labels)


def before(service: Thing) -> dict[str, str] | None:
    """The selector before the first step; None where it is as its owner wrote it."""
    text = service.annotations.get(REPLACED)
    return {key: value or "" for key, value in noted.read(text).items()} if text else None


def rerouted(service: Thing, wanted: Labels, marks: Mapping[str, str | None]) -> Mutation:
    """The patch by which the Service has that selector, and those annotations."""
    gone = {key: None for key in selector_of(service) if key not in wanted}
    body: dict[str, Any] = {"metadata": {"annotations": dict(marks)}, "spec": {"selector": {**gone, **wanted}}}
    return Mutation(target_of(service), body)


def marks(service: Thing, incident: str, to: str | None) -> dict[str, str | None]:
    """The annotations of a Service that a step has taken in hand."""
    replaced = service.annotations.get(REPLACED) or noted.text(selector_of(service))
    return {ROUTED_BY: incident, ROUTED_TO: to, REPLACED: replaced}


def shown(selector: Labels) -> str:
    """A selector for a person."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items())) or "nothing"
