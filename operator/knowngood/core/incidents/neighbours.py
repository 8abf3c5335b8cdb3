"""The neighbours that a model depends on, as they were when it broke.

Of a ConfigMap only a digest and the size are recorded: who may read an incident need not be allowed to read that.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knowngood.api.aiincident import AIIncident
from knowngood.api.evidence import SeenDependency
from knowngood.api.modeldeployment import Dependency, ModelDeployment
from knowngood.core.incidents import evidence
from knowngood.core.incidents.changes import written_at

_DIGITS = 12  # of a digest: enough to tell versions apart


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
        version="" if value is None else digest_of(str(value)),
        required=required,
        changed_at=None if written is None else evidence.moment(written),
    )


def digest_of(value: str) -> str:
    """A ConfigMap's value as evidence shows it: a short digest and the size, without the space around it."""
    raw = value.strip().encode()
    return f"sha256:{hashlib.sha256(raw).hexdigest()[:_DIGITS]} ({len(raw)} B)"


def mismatch(found: SeenDependency) -> str:
    """How the neighbour differs from what known-good requires, as a sentence; empty where it does not, or none does."""
    required, version = found.required, found.version
    if not required or not version:
        return ""
    if found.kind == "ConfigMap":
        same = version == digest_of(required)
        return "" if same else f"{found.contract} is not {required}, which known-good requires, but {version}"
    return "" if version == required else f"{found.contract} is {version}; known-good requires {required}"


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
