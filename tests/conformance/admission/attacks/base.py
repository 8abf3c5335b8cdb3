"""What an attack is, and where it goes."""

from dataclasses import dataclass
from typing import Any, Final

from tests.conformance.admission import world
from tests.conformance.admission.cluster import MERGE, STRATEGIC, path_of
from tests.conformance.admission.world import incident, model

RBAC: Final = "cannot "
DIGITS: Final = path_of(world.workload("digits", None))
MODEL: Final = path_of(model("digits"))
WARD: Final = path_of(world.workload("ward", None))
WARDS_MODEL: Final = path_of(model("ward"))
INCIDENT: Final = path_of(incident("digits-0"))


@dataclass(frozen=True)
class Attack:
    """One request with the operator's token, and a part of the answer that refuses it."""

    id: str
    refused: str
    path: str
    body: Any = None
    method: str = "PATCH"
    type: str = MERGE

    def __str__(self) -> str:
        return self.id


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    """A strategic patch of containers."""
    return pod({"containers": list(items)})


def pod(spec: dict[str, Any]) -> dict[str, Any]:
    """A strategic patch of the pod's spec."""
    return {"spec": {"template": {"spec": spec}}}


def patch(id_: str, refused: str, body: dict[str, Any], path: str = DIGITS) -> Attack:
    """A strategic merge patch of a workload."""
    return Attack(id_, refused, path, body, type=STRATEGIC)
