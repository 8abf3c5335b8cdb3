"""What changed, and when, as the objects themselves tell: differences of pod templates, times of the last writes."""

from collections.abc import Iterable, Mapping
from typing import Any

from knowngood.api.evidence import Change
from knowngood.api.observed import CauseKind
from knowngood.core.facts.clock import parse_time
from knowngood.core.facts.images import DIGEST, parse_image

MAX_CHANGES = 16
_SHORT = 12
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_NOISE = frozenset({"pod-template-hash", "controller-revision-hash", _RESTARTED})
_STARTS = ("command", "args", "workingDir", "envFrom", "resources", "volumeMounts")

Raw = Mapping[str, Any]
Shown = dict[str, str]


def differences(before: Raw, after: Raw, env: Mapping[str, tuple[Shown, Shown]]) -> list[Change]:
    """What differs between two pod templates, at most 16.

    ``env`` holds, by container, the variables before and after as evidence may show them.
    """
    old, new = _containers(before), _containers(after)
    found = [*_images(old, new), *_variables(env), *_settings(old, new)]
    found += _template(before, after)
    if not found and _annotation(before, _RESTARTED) != _annotation(after, _RESTARTED):
        found.append(Change(kind=CauseKind.REPLICAS, what="the pods were restarted, with the template as it was"))
    return found[:MAX_CHANGES]


def _containers(template: Raw) -> dict[str, Raw]:
    return {c["name"]: c for c in (template.get("spec") or {}).get("containers") or ()}


def _images(old: Mapping[str, Raw], new: Mapping[str, Raw]) -> Iterable[Change]:
    for name in sorted({*old, *new}):
        before, after = old.get(name, {}).get("image", ""), new.get(name, {}).get("image", "")
        if before != after:
            what = f"container {name}: image {short_image(before) or '(none)'} → {short_image(after) or '(none)'}"
            yield Change(kind=CauseKind.RELEASE, what=what)


def short_image(reference: str) -> str:
    """An image as people tell it from others: last part of its name, with the tag or the digest's first digits."""
    image = parse_image(reference)
    name = image.repository.rpartition("/")[2]
    digest = f"@{image.digest[len('sha256:') :][:_SHORT]}" if DIGEST.fullmatch(image.digest) else ""
    return f"{name}:{image.tag}{digest}" if image.tag else f"{name}{digest}"


def _variables(env: Mapping[str, tuple[Shown, Shown]]) -> Iterable[Change]:
    for container, (old, new) in sorted(env.items()):
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                what = f"container {container}: {name} {_value(old, name)} → {_value(new, name)}"
                yield Change(kind=CauseKind.ENVIRONMENT, what=what[:1000])


def _value(env: Shown, name: str) -> str:
    return f"“{env[name]}”" if name in env else "(unset)"


def _settings(old: Mapping[str, Raw], new: Mapping[str, Raw]) -> Iterable[Change]:
    """What a container is started with, by name only: arguments may hold anything."""
    for name in sorted({*old} & {*new}):
        for field in _STARTS:
            if (old[name].get(field) or None) != (new[name].get(field) or None):
                yield Change(kind=CauseKind.CONFIGURATION, what=f"container {name}: {field} changed")


def _template(before: Raw, after: Raw) -> Iterable[Change]:
    old, new = before.get("spec") or {}, after.get("spec") or {}
    if (old.get("volumes") or None) != (new.get("volumes") or None):
        yield Change(kind=CauseKind.CONFIGURATION, what="the mounted volumes changed")
    if (old.get("initContainers") or None) != (new.get("initContainers") or None):
        yield Change(kind=CauseKind.CONFIGURATION, what="the init containers changed")
    for part in ("annotations", "labels"):
        olds, news = _marks(before, part), _marks(after, part)
        for name in sorted({*olds, *news} - _NOISE):
            if olds.get(name) != news.get(name):
                yield Change(kind=CauseKind.CONFIGURATION, what=f"the pods' {part[:-1]} {name} changed"[:1000])


def _marks(template: Raw, part: str) -> Raw:
    found: Raw = (template.get("metadata") or {}).get(part) or {}
    return found


def _annotation(template: Raw, name: str) -> Any:
    return _marks(template, "annotations").get(name)


def written_at(meta: Raw) -> float | None:
    """When the object's content was last written: the newest time in its managedFields, else its creation.

    A manager's time moves only when a field of its own changed; a write to status is none to the content.
    """
    times = [parse_time(m.get("time")) for m in meta.get("managedFields") or () if m.get("subresource") != "status"]
    return max((t for t in times if t is not None), default=parse_time(meta.get("creationTimestamp")))


def live_configs(template: Raw) -> frozenset[str]:
    """ConfigMaps whose changes running pods see: mounted as a volume, and not by subPath."""
    spec = template.get("spec") or {}
    mounts = [m for c in spec.get("containers") or () for m in c.get("volumeMounts") or ()]
    whole = {m.get("name") for m in mounts if not m.get("subPath") and not m.get("subPathExpr")}
    found: set[str] = set()
    for volume in spec.get("volumes") or ():
        sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        if volume.get("name") in whole:
            found |= {s["configMap"]["name"] for s in sources if (s.get("configMap") or {}).get("name")}
    return frozenset(found)
