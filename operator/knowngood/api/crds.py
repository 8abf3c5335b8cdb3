"""Writes the CustomResourceDefinitions from the models: `python -m knowngood.api.crds [ROOT]`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from knowngood.api import AI_INCIDENTS, GROUP, INCIDENT_POLICIES, MODEL_DEPLOYMENTS, PLAYBOOKS, VERSION
from knowngood.api.aiincident import AIIncident
from knowngood.api.base import KnowngoodModel
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.playbook import Playbook
from knowngood.api.structural import Schema, structural, without_defaults

HEADER: Final = "# Written by `python -m knowngood.api.crds` from operator/knowngood/api. Do not edit.\n"
DIRECTORIES: Final = (Path("crds"), Path("charts/knowngood/files/crds"))


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; ``wide``: only with `-o wide`."""

    name: str
    path: str
    description: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True)
class Resource:
    """One kind, and how it is called and printed."""

    model: type[KnowngoodModel]
    plural: str
    short: str
    columns: tuple[Column, ...]

    @property
    def kind(self) -> str:
        """The kind's name."""
        return self.model.__name__

    @property
    def file(self) -> str:
        """The name of the file that holds its definition."""
        return f"{GROUP}_{self.plural}.yaml"


_AGE: Final = Column("AGE", ".metadata.creationTimestamp", "How long ago it was made.", "date")
_READY: Final = '.status.conditions[?(@.type=="Ready")].status'

RESOURCES: Final = (
    Resource(
        ModelDeployment,
        MODEL_DEPLOYMENTS,
        "mdep",
        (
            Column("RUNNING", ".status.running.shortDigest", "The release that runs."),
            Column("KNOWN-GOOD", ".status.knownGood.shortDigest", "The release that a rollback goes to."),
            Column("PHASE", ".status.phase", "How the model is doing."),
            Column("SIGNALS", ".status.signals.summary", "Healthy signals of all."),
            Column("INCIDENT", ".status.incidentRef.name", "The open incident."),
            Column("READY", _READY, "Whether it can be watched.", wide=True),
            _AGE,
        ),
    ),
    Resource(
        IncidentPolicy,
        INCIDENT_POLICIES,
        "ipol",
        (
            Column("READY", _READY, "Whether the policy is in use."),
            Column("MODELS", ".status.models", "How many models it selects.", "integer"),
            Column("SIGNALS", ".status.signals", "How many signals it judges for each.", "integer"),
            Column("FALSE-ALARMS", ".status.expectedFalseAlarms", "How many all models together may have.", wide=True),
            _AGE,
        ),
    ),
    Resource(
        Playbook,
        PLAYBOOKS,
        "pbook",
        (Column("READY", _READY, "Whether every step can be done."), _AGE),
    ),
    Resource(
        AIIncident,
        AI_INCIDENTS,
        "aii",
        (
            Column("MODEL", ".spec.modelRef.name", "The model that went wrong."),
            Column("TYPE", ".status.type", "The type as assessed."),
            Column("SEVERITY", ".status.severity", "The severity as assessed."),
            Column("PHASE", ".status.phase", "How far it is."),
            Column("SIGNAL", ".status.primarySignal", "The signal that opened it."),
            Column("CONTAINED", ".status.containedAfter", "How long after opening it was contained."),
            Column("READY", _READY, "Whether what it names is there.", wide=True),
            _AGE,
        ),
    ),
)


def definition(resource: Resource) -> dict[str, Any]:
    """The CustomResourceDefinition of `resource`, as JSON data."""
    singular = resource.kind.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": singular,
                "shortNames": [resource.short],
                "categories": ["knowngood"],
            },
            "scope": "Namespaced",
            "versions": [_version(resource)],
        },
    }


def _version(resource: Resource) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in resource.columns],
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": _root(resource.model)},
    }


def _column(column: Column) -> dict[str, Any]:
    made = {"name": column.name, "type": column.type, "jsonPath": column.path, "description": column.description}
    return {**made, "priority": 1} if column.wide else made


def _root(model: type[KnowngoodModel]) -> Schema:
    schema = structural(model)
    properties = schema["properties"]
    for name in ("apiVersion", "kind"):
        properties[name] = {"description": properties[name]["description"], "type": "string"}
    properties["metadata"] = {"type": "object"}  # the API server's own; it allows not even a description
    properties["status"] = without_defaults(properties["status"])
    return schema


def documents() -> dict[str, str]:
    """File name → YAML of each definition."""
    return {
        resource.file: HEADER
        + yaml.dump(definition(resource), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
        for resource in RESOURCES
    }


def write(root: Path) -> list[Path]:
    """Write every definition below `root`, remove what is no longer one; returns the paths written."""
    made = documents()
    written = []
    for directory in (root / directory for directory in DIRECTORIES):
        directory.mkdir(parents=True, exist_ok=True)
        for stale in set(directory.glob("*.yaml")) - {directory / name for name in made}:
            stale.unlink()
        for name, text in made.items():
            (directory / name).write_text(text, encoding="utf-8")
            written.append(directory / name)
    return written


class _Dumper(yaml.SafeDumper):
    """No anchors: rules that many fields share are written out."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def main(arguments: Sequence[str]) -> int:
    """Write below the directory named in `arguments`, default the current one."""
    root = Path(arguments[0] if arguments else ".")
    if not (root / "pyproject.toml").is_file():
        sys.stderr.write(f"{root}: no pyproject.toml here: run it in the repository's root, or name that\n")
        return 2
    for path in write(root):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
