"""How the world stands beside the model's workload: Services, pods that are kept, flags, policies, in words."""

import re
from typing import Any

from tests.faults.world import World

Raw = dict[str, Any]
EPISODE = re.compile(r"-[0-9a-f]{6}-")
_OURS = "knowngood.dev/"
_PASSING = ("fenced-by",)  # of our annotations: it tells how many led, not what was done


def things(made: World, model: Raw) -> tuple[tuple[str, str], ...]:
    """Each with what it is and what of ours is written on it; no times, no uids."""
    found = {f"Service {_name(s)}": _labels(s["spec"].get("selector")) + _marks(s) for s in made.all("Service")}
    found |= {f"ConfigMap {_name(c)}": _labels(c.get("data")) + _marks(c) for c in made.all("ConfigMap")}
    found |= {f"NetworkPolicy {_name(p)}": _policy(p["spec"]) for p in made.all("NetworkPolicy")}
    for each in made.all("Deployment"):
        found[f"Deployment {_name(each)}"] = ("" if each["spec"].get("paused") else "not ") + "paused" + _marks(each)
    found["kept pods"] = _kept(made.all("Pod"))
    found["quarantined"] = ", ".join(q["digest"] for q in model.get("quarantined") or ())
    return tuple(sorted(found.items()))


def _name(raw: Raw) -> str:
    return str(raw["metadata"]["name"])


def _labels(labels: Raw | None) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted((labels or {}).items()))


def _marks(raw: Raw) -> str:
    """Annotations of ours, each with its value; the names of incidents hold a part that differs."""
    found = {
        name.removeprefix(_OURS): EPISODE.sub("-*-", value)
        for name, value in (raw["metadata"].get("annotations") or {}).items()
        if name.startswith(_OURS)
    }
    marks = _labels({name: value for name, value in found.items() if name not in _PASSING})
    return f" ({marks})" if marks else ""


def _policy(spec: Raw) -> str:
    selected, sides = _labels(spec["podSelector"].get("matchLabels")), ", ".join(sorted(spec["policyTypes"]))
    return f"{selected}: in {len(spec.get('ingress') or ())}, out {len(spec.get('egress') or ())}, of {sides}"


def _kept(pods: list[Raw]) -> str:
    """Those that nothing selects but our policy, and that Kubernetes will end."""
    kept = [pod for pod in pods if f"{_OURS}isolated" in (pod["metadata"].get("labels") or {})]
    bare = all(set(pod["metadata"]["labels"]) == {f"{_OURS}isolated"} for pod in kept)
    bounded = all(pod["spec"].get("activeDeadlineSeconds") for pod in kept)
    if not kept:
        return "none"
    return f"{len(kept)} {'without' if bare else 'with'} labels, {'with' if bounded else 'without'} a deadline"
