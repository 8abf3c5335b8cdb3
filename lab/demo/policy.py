"""The demo's policy, read from the manifests that are applied: its numbers and its compiled signal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from knowngood.api.durations import seconds
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.signals.compiled import CompiledSignal, compile_policy

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests" / "demo"


@dataclass(frozen=True)
class Policy:
    """What the demo's one signal asks; times in seconds."""

    below: float
    hold: float
    """The detector's `for`: how long a breach must last."""
    min_samples: int
    interval: float


def manifest(name: str, namespace: str) -> dict[str, Any]:
    """The resource in manifests/demo/`name`.yaml as it is applied to `namespace`."""
    found: dict[str, Any] = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())
    found["metadata"]["namespace"] = namespace
    return found


def policy_of(policy: IncidentPolicy) -> Policy:
    """The numbers of a policy whose first signal has a threshold; ValueError where they are missing."""
    detector = policy.spec.signals[0].detector
    threshold = detector.threshold if detector else None
    if threshold is None or threshold.below is None:
        raise ValueError(f"{policy.metadata.name}: the first signal has no threshold with `below`")
    return Policy(
        below=threshold.below,
        hold=seconds(threshold.for_),
        min_samples=threshold.min_samples,
        interval=seconds(policy.spec.interval),
    )


def read(namespace: str) -> tuple[Policy, CompiledSignal]:
    """The numbers of the demo's policy and its signal as the operator asks it."""
    policy = IncidentPolicy.from_object(manifest("incidentpolicy", namespace))
    model = ModelDeployment.from_object(manifest("modeldeployment", namespace))
    compiled = compile_policy(policy, [model])
    if compiled.problems:
        raise ValueError("; ".join(str(problem) for problem in compiled.problems))
    return policy_of(policy), compiled.signals[0]
