"""The policy and the models of a backtest, from files of Kubernetes manifests."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from knowngood.api import API_VERSION
from knowngood.api.base import InvalidObjectError
from knowngood.api.incidentpolicy import IncidentPolicy, LabelSelector
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.cli.errors import InputError
from knowngood.core.facts.labels import selected

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
Raw = dict[str, Any]


def objects(path: Path) -> list[Raw]:
    """Every object in a file of YAML documents; lists, as `kubectl get -o yaml` prints them, are opened."""
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {_told(error)}") from None
    return [raw for document in documents if document is not None for raw in _opened(path, document)]


def _told(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return where + (problem or str(error).splitlines()[0])


def _opened(path: Path, document: Any) -> Iterator[Raw]:
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise InputError(f"{path}: a document that is no Kubernetes object; write apiVersion, kind, metadata and spec")
    items = document.get("items")
    if document["kind"].endswith("List") and isinstance(items, list):
        for item in items:
            yield from _opened(path, item)
    else:
        yield document


def policy_of(path: Path, found: Sequence[Raw], namespace: str | None) -> IncidentPolicy:
    """The one IncidentPolicy of a file; ``namespace`` for one that names none."""
    policies = [raw for raw in found if _is(raw, "IncidentPolicy")]
    if len(policies) != 1:
        names = ", ".join(str(_meta(raw).get("name", "?")) for raw in policies) or "none"
        raise InputError(f"{path}: needs exactly one IncidentPolicy of {API_VERSION}; here are {names}")
    raw = _placed(path, policies[0], namespace)
    try:
        return IncidentPolicy.from_object({**raw, "status": {}})
    except InvalidObjectError as error:
        raise InputError(f"{path}: {error}") from None


def models_of(path: Path, found: Sequence[Raw], policy: IncidentPolicy) -> list[ModelDeployment]:
    """The file's ModelDeployments of the policy's namespace that the policy selects."""
    read: list[ModelDeployment] = []
    for raw in found:
        if _is(raw, "ModelDeployment"):
            try:
                read.append(ModelDeployment.from_object(_placed(path, raw, policy.metadata.namespace)))
            except InvalidObjectError as error:
                raise InputError(f"{path}: ModelDeployment {_meta(raw).get('name', '?')}: {error}") from None
    here = [m for m in read if m.metadata.namespace == policy.metadata.namespace]
    return [m for m in here if selected(policy.spec.selector, m.metadata.labels)]


def _is(raw: Raw, kind: str) -> bool:
    return raw["kind"] == kind and str(raw.get("apiVersion", "")) == API_VERSION


def _meta(raw: Raw) -> Raw:
    meta = raw.get("metadata")
    return meta if isinstance(meta, dict) else {}


def _placed(path: Path, raw: Raw, namespace: str | None) -> Raw:
    """With a namespace and a name, which the API server would ask for too."""
    meta = dict(_meta(raw))
    where = f"{path}: {raw['kind']} {meta.get('name', '?')}"
    if not meta.get("name"):
        raise InputError(f"{where}: metadata.name is missing; write one")
    if not meta.get("namespace") and not namespace:
        raise InputError(f"{where}: metadata.namespace is missing; write it there, or as --namespace")
    return {**raw, "metadata": {**meta, "namespace": meta.get("namespace") or namespace}}


def everyone(policy: IncidentPolicy) -> IncidentPolicy:
    """The policy for models whose labels nobody knows."""
    return policy.model_copy(update={"spec": policy.spec.model_copy(update={"selector": LabelSelector()})})


def recording_only(policy: IncidentPolicy, signals: Sequence[str]) -> IncidentPolicy:
    """The policy with these signals (none: all) and without what it does about an incident.

    Raises InputError where it has no signal of that name.
    """
    have = [s.name for s in policy.spec.signals]
    for name in signals:
        if name not in have:
            raise InputError(f"--signal {name}: the policy has no such signal; it has {', '.join(have) or 'none'}")
    kept = [s for s in policy.spec.signals if not signals or s.name in signals]
    changes = {"signals": kept, "responses": [], "notify": [], "silences": [], "integrity": None, "limits": None}
    return policy.model_copy(update={"spec": policy.spec.model_copy(update=changes)})


def model_named(value: str, label: str, namespace: str) -> ModelDeployment:
    """A model whose series carry ``label`` with this value, which need not be a name that Kubernetes allows."""
    valid = _NAME.fullmatch(value)
    name = value if valid else re.sub(r"[^a-z0-9.-]+", "-", value.lower()).strip("-.")[:63].strip("-.") or "model"
    spec: Raw = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "unknown"}}
    if not valid:
        spec["series"] = {"matchLabels": {label: value}}
    try:
        return ModelDeployment.from_object({"metadata": {"name": name, "namespace": namespace}, "spec": spec})
    except InvalidObjectError as error:
        raise InputError(f"the model label {label}={value!r}: {error}") from None


def model_written(text: str, policy: IncidentPolicy) -> ModelDeployment:
    """A model as ``--model`` writes it: ``name`` or ``name=…[,namespace=…][,LABEL=VALUE…]``.

    The further labels are those of its series. Raises InputError.
    """
    parts = [p for p in text.split(",") if p] if "=" in text else [f"name={text}"]
    pairs = dict(part.partition("=")[::2] for part in parts)
    name, namespace = pairs.pop("name", ""), pairs.pop("namespace", policy.metadata.namespace)
    if not name or not all(pairs) or not all(pairs.values()):
        raise InputError(f"--model {text}: write a name, or name=…,LABEL=VALUE with the labels of its series")
    if namespace != policy.metadata.namespace:
        raise InputError(f"--model {text}: the policy reads series of namespace {policy.metadata.namespace} only")
    label = policy.spec.identity.model
    found = model_named(name, label, namespace)
    if not pairs:
        return found
    series = {"matchLabels": {label: name, **pairs}}
    raw = {**found.to_object(), "spec": {**found.spec.to_object(), "series": series}}
    try:
        return ModelDeployment.from_object(raw)
    except InvalidObjectError as error:
        raise InputError(f"--model {text}: {error}") from None
