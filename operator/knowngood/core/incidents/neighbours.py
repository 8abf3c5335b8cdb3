"""The neighbours that a model depends on, as they were when it broke."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knowngood.api.aiincident import AIIncident
from knowngood.api.evidence import SeenDependency
from knowngood.api.modeldeployment import Dependency, ModelDeployment
from knowngood.core.incidents import evidence
from knowngood.core.incidents.changes import written_at

_LONGEST = 128  # of a contract's version


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An upstream model, and its open incident if there is one."""

    model: ModelDeployment
    incident: AIIncident | None = None


def seen(
    model: ModelDeployment, configs: Mapping[str, Mapping[str, Any]], models: Mapping[str, Neighbour]
) -> list[SeenDependency]:
    """The neighbours of ``spec.dependencies`` that could be read, from ConfigMaps and models by name."""
    known_good = model.spec.known_good
    required = known_good.requires if known_good else {}
    found: list[SeenDependency] = []
    for wanted in model.spec.dependencies:
        need = required.get(wanted.contract, "")
        key, ref = wanted.config_map_key_ref, wanted.model_ref
        if key is not None and key.name in configs:
            found.append(_config_dependency(wanted, key.name, key.key, configs[key.name], need))
        elif ref is not None and ref.name in models:
            found.append(_model_dependency(wanted, models[ref.name], need))
    return found


def _config_dependency(
    wanted: Dependency, name: str, key: str, raw: Mapping[str, Any], required: str
) -> SeenDependency:
    value, written = (raw.get("data") or {}).get(key), written_at(raw["metadata"])
    return SeenDependency(
        name=wanted.name,
        kind="ConfigMap",
        object=name,
        contract=wanted.contract,
        version="" if value is None else _version(key, str(value).strip()),
        required=required,
        changed_at=None if written is None else evidence.moment(written),
    )


def _version(key: str, value: str) -> str:
    """A version as evidence shows it; what is too long for one is some other thing, and only its digest is shown."""
    shown = evidence.env_value(key, value)
    return shown if len(value) <= _LONGEST else "sha256:" + hashlib.sha256(value.encode()).hexdigest()


def _model_dependency(wanted: Dependency, upstream: Neighbour, required: str) -> SeenDependency:
    model, incident = upstream.model, upstream.incident
    running = model.status.running
    changed = running.since if running and len(model.status.releases) > 1 else None  # the first was only first seen
    return SeenDependency(
        name=wanted.name,
        kind="ModelDeployment",
        object=model.metadata.name,
        contract=wanted.contract,
        version=model.spec.provides.get(wanted.contract, ""),
        required=required,
        changed_at=changed,
        incident=incident.metadata.name if incident else "",
        incident_opened_at=incident.status.opened_at if incident else None,
    )
