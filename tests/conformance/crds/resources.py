"""The examples, where they are created, and how to change one field of them."""

import copy
from pathlib import Path
from typing import Any, Final

import yaml

from knowngood.api import API_VERSION
from knowngood.api.crds import RESOURCES

NAMESPACE: Final = "vision"
CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ROOT: Final = Path(__file__).parents[3]
EXAMPLES: Final = Path(__file__).parent.parent / "examples"
MODELS: Final = {resource.kind: resource.model for resource in RESOURCES}
GONE: Final = object()


def collection(kind: str) -> str:
    """The path of all objects of `kind` in the test's namespace."""
    plural = next(resource.plural for resource in RESOURCES if resource.kind == kind)
    return f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{plural}"


def example(kind: str) -> dict[str, Any]:
    """product.md's example of `kind`."""
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{kind.lower()}.yaml").read_text())
    return found


def changed(base: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """`base` with `value` at `path` (`spec.signals.0.name`); GONE takes the field away."""
    made = copy.deepcopy(base)
    *way, last = path.split(".")
    at: Any = made
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    if isinstance(at, list):
        at.insert(int(last), value) if int(last) >= len(at) else at.__setitem__(int(last), value)
    elif value is GONE:
        del at[last]
    else:
        at[last] = value
    return made
