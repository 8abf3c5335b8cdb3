"""Evidence: what stood in the cluster and in the metrics when it broke, bounded in size.

Values that come from Secrets are never read; literal values under names that sound secret are recorded as a digest,
which still shows whether they changed.
"""

import hashlib
import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from knowngood.api.durations import text
from knowngood.api.evidence import (
    Change,
    PodContainer,
    Point,
    Rollout,
    SeenConfig,
    SeenContainer,
    SeenEnv,
    SeenPod,
    SeenWorkload,
    Series,
)
from knowngood.api.observed import NamedImage
from knowngood.core.facts import argo
from knowngood.core.facts.clock import parse_time
from knowngood.core.facts.workload import Container, Pod, Workload
from knowngood.core.incidents.changes import differences, written_at
from knowngood.core.signals import answer

MAX_PODS, MAX_ROLLOUTS, MAX_CONFIGS, MAX_SERIES, MAX_TRACES, MAX_ENV = 50, 10, 32, 32, 32, 128
MAX_POINTS = 240
CUT = "…"  # a variable of this name stands for those that the record has no room for
MAX_VALUE = 256  # of a variable; what is longer is cut
_MAX_NAME, _MAX_LABELS = 253, 64
_CREDENTIALS = re.compile(
    r"(?i)://[^/@\s]+@|://[^:/@\s]{0,256}:[^@\s]{0,256}@|-----BEGIN "
    r"|(?:AccountKey|Password|Pwd|SharedAccessKey|SharedAccessSignature)\s*=|[?&]sig="
)
_SECRET = re.compile(
    r"(?i)secret|token|key|credential|auth|dsn|pass(?!(?:es|ed|ing|ive|ages?|engers?)(?![a-z]))"
    r"|(?<![a-z])(?:pwd|conn(?:ection)?[_.-]?str(?:ing)?s?|webhooks?|cookies?|jwt|private|salt|sas)(?![a-z])"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_REVISIONS = ("deployment.kubernetes.io/revision", argo.REVISION)


def moment(seconds: float) -> datetime:
    """An aware datetime from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def workload(found: Workload) -> SeenWorkload:
    """The workload as it was, with its environment."""
    return SeenWorkload(
        api_version=found.api_version,
        kind=found.kind,
        name=found.name,
        uid=found.uid,
        generation=found.generation,
        resource_version=found.resource_version,
        containers=_containers(found.containers),
        init_containers=_containers(found.init_containers),
        replicas=found.replicas,
        scaled_at=_moment(found.scaled_at),
    )


def _containers(found: Iterable[Container]) -> list[SeenContainer]:
    return [SeenContainer(name=c.name, image=c.image, env=_env(c.env)) for c in found]


def _env(env: Iterable[tuple[str, str | None]]) -> list[SeenEnv]:
    seen = [SeenEnv(name=name[:_MAX_NAME], value=env_value(name, value)) for name, value in env]
    return seen if len(seen) <= MAX_ENV else [*seen[: MAX_ENV - 1], SeenEnv(name=CUT)]


def env_value(name: str, value: str | None) -> str:
    """A variable's value as evidence shows it: what may be secret as a digest."""
    if value is None:
        return "(from a reference)"
    if value and (_sounds_secret(name) or _CREDENTIALS.search(value)):
        return "sha256:" + hashlib.sha256(value.encode()).hexdigest()
    return value[:MAX_VALUE]


def _sounds_secret(name: str) -> bool:
    return _SECRET.search(_CAMEL.sub("_", name)) is not None or _SECRET.search(name) is not None


def same_value(recorded: str, name: str, value: str | None) -> bool:
    """Whether a variable still has the value that was recorded, as it is, cut, or as a digest.

    An older or a newer version may take other names for secret, and have recorded it the other way.
    """
    if value is None:
        return recorded == env_value(name, value)
    return recorded in {value[:MAX_VALUE], "sha256:" + hashlib.sha256(value.encode()).hexdigest()}


def pods(found: Iterable[Pod]) -> list[SeenPod]:
    """The pods as they were, at most 50."""
    return [
        SeenPod(
            name=pod.name,
            node=pod.node,
            started_at=_moment(pod.started_at),
            ready=pod.ready,
            restarts=sum(c.restarts for c in pod.containers),
            containers=[PodContainer(name=c.name, image=c.image, image_id=c.image_id) for c in pod.containers],
        )
        for pod in sorted(found, key=lambda p: p.name)[:MAX_PODS]
    ]


def rollouts(replica_sets: Iterable[Mapping[str, Any]], owner_uid: str) -> list[Rollout]:
    """The workload's roll-outs from its ReplicaSets, newest first, at most 10."""
    owned = [
        r for r in replica_sets if any(o.get("uid") == owner_uid for o in r["metadata"].get("ownerReferences") or ())
    ]
    owned.sort(key=_revision, reverse=True)
    before = [*owned[1:], None]
    return [_rollout(r, b) for r, b in zip(owned[:MAX_ROLLOUTS], before, strict=False)]


def _revision(raw: Mapping[str, Any]) -> int:
    text = _revision_text(raw)
    return int(text) if text.isascii() and text.isdigit() else 0


def _revision_text(raw: Mapping[str, Any]) -> str:
    annotations = raw["metadata"].get("annotations") or {}
    return next((str(annotations[key]) for key in _REVISIONS if annotations.get(key)), "")


def _rollout(raw: Mapping[str, Any], before: Mapping[str, Any] | None) -> Rollout:
    meta, spec = raw["metadata"], raw.get("spec", {})
    template = spec.get("template", {})
    containers = template.get("spec", {}).get("containers") or ()
    return Rollout(
        revision=_revision_text(raw)[:_MAX_NAME],
        replica_set=meta["name"],
        created_at=_moment(parse_time(meta.get("creationTimestamp"))),
        containers=[NamedImage(name=c["name"], image=c.get("image", "")) for c in containers],
        replicas=int(spec.get("replicas") or 0),
        changes=_changes(before.get("spec", {}).get("template", {}), template) if before else [],
    )


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    before, after = _variables(old), _variables(new)
    shared = before.keys() & after.keys()
    return differences(old, new, {name: (before[name], after[name]) for name in shared})


def _variables(template: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Variables by container, as evidence may show them; of what refers to elsewhere, the reference."""
    containers = (template.get("spec") or {}).get("containers") or ()
    return {c["name"]: {e["name"]: _variable(e) for e in c.get("env") or ()} for c in containers}


def _variable(raw: Mapping[str, Any]) -> str:
    source = raw.get("valueFrom")
    if source is None:
        return env_value(raw["name"], raw.get("value") or "")
    refs = [(kind, ref) for kind, ref in source.items() if isinstance(ref, Mapping)]
    return "; ".join(f"from {k} {' '.join(str(v) for v in ref.values())}" for k, ref in refs)[:MAX_VALUE]


def mounted(template: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the (ConfigMaps, Secrets) that a pod template mounts or reads variables from."""
    spec = template.get("spec") or {}
    maps: set[str] = set()
    secrets: set[str] = set()
    for volume in spec.get("volumes") or ():
        sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        maps |= {s["configMap"]["name"] for s in sources if (s.get("configMap") or {}).get("name")}
        secrets |= {s["secret"].get("secretName") or s["secret"].get("name", "") for s in sources if s.get("secret")}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        references = [
            *(container.get("envFrom") or ()),
            *(e.get("valueFrom") or {} for e in container.get("env") or ()),
        ]
        for ref in references:
            maps |= {(ref.get(k) or {}).get("name", "") for k in ("configMapRef", "configMapKeyRef")}
            secrets |= {(ref.get(k) or {}).get("name", "") for k in ("secretRef", "secretKeyRef")}
    return sorted(maps - {""})[:MAX_CONFIGS], sorted(secrets - {""})[:MAX_CONFIGS]


def config(raw: Mapping[str, Any], live: Collection[str] = ()) -> SeenConfig:
    """A ConfigMap's name, the SHA-256 of its content, when that was written, and whether running pods see it."""
    content = orjson.dumps([raw.get("data") or {}, raw.get("binaryData") or {}], option=orjson.OPT_SORT_KEYS)
    name = raw["metadata"]["name"]
    return SeenConfig(
        kind="ConfigMap",
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        changed_at=_moment(written_at(raw["metadata"])),
        live=name in live,
    )


def series(
    signal: str, query: str, found: Sequence[answer.Series], start: float, end: float, most: int, part: str = ""
) -> list[Series]:
    """Raw samples of one selector; the newest ``most`` points of each series are kept."""
    return [
        Series(
            signal=signal,
            part=part,
            query=query,
            start=moment(start),
            end=moment(end),
            step=text(_step([t for t, _ in one.points])),
            labels=_labels(one.labels),
            points=[Point(t=moment(t), v=f"{v:.10g}") for t, v in one.points[-max(1, min(most, MAX_POINTS)) :]],
        )
        for one in found[:MAX_SERIES]
    ]


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels may hold anything of any length; evidence that cannot be written would hold up the containment."""
    kept = list(labels.items())[:_MAX_LABELS]
    return {name[:128]: value[:1024] for name, value in kept}


def _step(times: Sequence[float]) -> float:
    """The usual time between samples, in whole milliseconds; 1 s where there are too few to tell."""
    gaps = sorted(b - a for a, b in itertools.pairwise(times))
    return max(0.0, round(gaps[len(gaps) // 2], 3)) if gaps else 1.0


def traces(exemplars: Iterable[Mapping[str, Any]]) -> list[str]:
    """Trace ids of exemplars, each once, newest last, at most 32; what is no exemplar is passed over."""
    found = [_exemplar(e) for e in exemplars if isinstance(e, Mapping)]
    ids = [trace for _, trace in sorted(found, key=lambda f: f[0]) if trace]
    return list(dict.fromkeys(reversed(ids)))[:MAX_TRACES][::-1]


def _exemplar(raw: Mapping[str, Any]) -> tuple[float, str]:
    labels, time = raw.get("labels"), raw.get("timestamp")
    trace = labels.get("trace_id") if isinstance(labels, Mapping) else ""
    when = float(time) if isinstance(time, int | float) else 0.0
    return when, trace[:_MAX_NAME] if isinstance(trace, str) else ""
