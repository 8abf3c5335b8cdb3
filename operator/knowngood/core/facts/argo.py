"""What a Rollout of Argo Rollouts says beside what it shares with a Deployment: whose template, and what it waits for.

Its counters are those of a Deployment. Its roll-out goes by steps, and may wait at one for a person.
"""

from collections.abc import Mapping
from typing import Any

Raw = Mapping[str, Any]
KIND = "Rollout"
REVISION = "rollout.argoproj.io/revision"
"""On a ReplicaSet of a Rollout: which revision it is of."""
PROMOTE, RETRY = "kubectl argo rollouts promote --full", "kubectl argo rollouts retry rollout"
_LONGEST = 300  # characters of what its controller says


def elsewhere(spec: Raw) -> str:
    """The object that holds the pod template in its place, as kind and name; empty where it holds its own."""
    ref = spec.get("workloadRef") or {}
    return f"{ref.get('kind', '')} {ref.get('name', '')}" if ref else ""


def no_template(what: str, elsewhere: str) -> str:
    """Why a workload is not judged, and nothing is written to it, whose pod template another object holds."""
    return f"{what} takes its pod template from {elsewhere}, in its spec.workloadRef: write spec.template in its place"


def observed(status: Raw) -> int:
    """The generation that its controller has seen: a number, written as text; 0 where it is none."""
    text = str(status.get("observedGeneration") or "")
    return int(text) if text.isascii() and text.isdigit() else 0


def waits(spec: Raw, status: Raw) -> str:
    """At what its roll-out stays, and the command by which a person goes on; empty where it goes on by itself."""
    if status.get("abort"):
        return f"is aborted ({status.get('message') or 'no reason is given'})"[:_LONGEST] + f": {RETRY}"
    for pause in status.get("pauseConditions") or ():
        reason = str(pause.get("reason") or "")
        if reason == "CanaryPauseStep":
            if step := _endless(spec, status):
                return f"waits at canary step {step}, a pause without an end: {PROMOTE}"
        elif reason != "BlueGreenPause" or _by_hand(spec):
            return f"waits for a person ({reason or 'paused'}): {PROMOTE}"
    return ""


def _endless(spec: Raw, status: Raw) -> str:
    """Which step of how many its canary stands at, where that is a pause without a duration."""
    steps = _strategy(spec, "canary").get("steps") or ()
    index = int(status.get("currentStepIndex") or 0)
    pause = steps[index].get("pause") if 0 <= index < len(steps) else None
    return f"{index + 1} of {len(steps)}" if pause is not None and not pause.get("duration") else ""


def _by_hand(spec: Raw) -> bool:
    found = _strategy(spec, "blueGreen")
    return found.get("autoPromotionEnabled") is False and not found.get("autoPromotionSeconds")


def _strategy(spec: Raw, name: str) -> Raw:
    return (spec.get("strategy") or {}).get(name) or {}
