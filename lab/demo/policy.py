"""The numbers of the demo's policy, read from the manifest that is applied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from knowngood.api.durations import seconds

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests" / "demo"


@dataclass(frozen=True)
class Policy:
    """What the demo's one signal asks; times in seconds."""

    good: str
    total: str
    window: str
    below: float
    hold: float
    """The detector's `for`: how long a breach must last."""
    min_samples: int
    interval: float


def policy_of(manifest: dict[str, Any]) -> Policy:
    """The numbers of an IncidentPolicy whose first signal is a ratio with a threshold."""
    spec = manifest["spec"]
    signal = spec["signals"][0]
    ratio, threshold = signal["ratio"], signal["detector"]["threshold"]
    return Policy(
        good=ratio["good"],
        total=ratio["total"],
        window=ratio["window"],
        below=float(threshold["below"]),
        hold=seconds(threshold["for"]),
        min_samples=int(threshold["minSamples"]),
        interval=seconds(spec["interval"]),
    )


def read() -> Policy:
    """The demo's policy as it stands in manifests/demo."""
    return policy_of(yaml.safe_load((MANIFESTS / "incidentpolicy.yaml").read_text()))
