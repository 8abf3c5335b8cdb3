"""A scene for each shipped playbook: the world that its page asks for, and the end that its page promises."""

from dataclasses import replace
from typing import Any

from tests.faults.images import BAD
from tests.faults.scenes import PROMOTED, Scene, deployment

Raw = dict[str, Any]
MODEL, STANDBY = "digits", "digits-standby"
CONSENT = {"knowngood.dev/model": MODEL}


def _meta(name: str) -> Raw:
    return {"name": name, "labels": CONSENT}


def _standby() -> Raw:
    """A warm copy on the release that is known to be good."""
    made = deployment("", STANDBY)
    return {**made, "metadata": _meta(STANDBY)}


SERVICE: Raw = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": _meta(MODEL),
    "spec": {"selector": {"app": MODEL}, "ports": [{"port": 80, "targetPort": 8080}]},
}
ALLOW: Raw = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "callers"},
    "spec": {"podSelector": {"matchLabels": {"app": MODEL}}, "policyTypes": ["Ingress"], "ingress": [{}]},
}


def _config(name: str, **data: str) -> Raw:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _meta(name), "data": data}


def _flag(name: str, config: str, key: str, value: str) -> Raw:
    return {"name": name, "configMapKeyRef": {"name": config, "key": key}, "value": value}


FLAGS = [_flag("safe-mode", "guardrail", "mode", "strict"), _flag("rate-limit", "gateway", "per-minute", "60")]
CONFIGS = (_config("guardrail", mode="relaxed"), _config("gateway", **{"per-minute": "600"}))
BY = "(flagged-by=digits-*-1,replaced-flags={})"
SERVED: Raw = {"serviceRef": {"name": MODEL}}
WARM: Raw = {**SERVED, "standby": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": STANDBY}}}
ROUTED_BACK = {"Service digits": "app=digits"}
KEPT = {
    "kept pods": "2 without labels, with a deadline",
    "NetworkPolicy knowngood-isolated-digits": "knowngood.dev/isolated=digits: in 0, out 0, of Egress, Ingress",
    "NetworkPolicy callers": "app=digits: in 1, out 0, of Ingress",
    "quarantined": BAD.partition("@")[2],
    **ROUTED_BACK,
}

ASKED = Scene(
    "ask-then-pin",
    book="ask-then-pin",
    of="BiasIncident",
)
HELD = Scene(
    "hold-rollouts",
    book="hold-rollouts",
    of="DataDrift",
    phase="Open",
    holds=("Contained=False",),
    runs=BAD,
    effects=("pause",),
    stands={"Deployment digits": "paused (paused-by=digits-*-1)"},
)
LET_GO = replace(
    HELD,
    goes_on=HELD.name,
    name="hold-rollouts, and let go when the drift is over",
    heals=True,
    phase="SelfRecovered",
    effects=("pause", "pause"),
    stands={"Deployment digits": "not paused"},
)
ISOLATED = Scene(
    "isolate",
    book="isolate",
    of="PrivacyBreach",
    pods=2,
    replicas=2,
    declares=WARM,
    around=(SERVICE, ALLOW, _standby()),
    effects=("route", "deny", "cut", "cut", "deadline", "deadline", "quarantine", "image", "route"),
    stands=KEPT,
)
TOLD = Scene(
    "notify-only",
    book="notify-only",
    phase="Open",
    holds=("Contained=False",),
    runs=BAD,
    effects=(),
)
QUARANTINED = Scene(
    "quarantine-and-pin",
    book="quarantine-and-pin",
    of="SupplyChainCompromise",
    mode="Approval",
    pods=2,
    replicas=2,
    declares=WARM,
    around=(SERVICE, ALLOW, _standby()),
    effects=("quarantine", "route", "deny", "cut", "cut", "deadline", "deadline", "image", "route"),
    stands=KEPT,
)
GUARDED = Scene(
    "raise-guard",
    book="raise-guard",
    of="AdversarialAttack",
    declares={"flags": FLAGS},
    around=CONFIGS,
    holds=("Contained=True",),
    runs=BAD,
    effects=("flag",),
    stands={"ConfigMap guardrail": f"mode=strict {BY.format('mode=relaxed')}", "ConfigMap gateway": "per-minute=600"},
)
SLOWED = replace(
    GUARDED,
    goes_on=GUARDED.name,
    name="raise-guard, whose first flag is refused",
    refused=(("configmaps", "guardrail"),),
    stands={"ConfigMap guardrail": "mode=relaxed", "ConfigMap gateway": f"per-minute=60 {BY.format('per-minute=600')}"},
)
WARMED = Scene(
    "standby-then-pin",
    book="standby-then-pin",
    declares=WARM,
    around=(SERVICE, _standby()),
    effects=("route", "image", "route"),
    stands={**ROUTED_BACK, "Deployment digits-standby": "not paused"},
)
PLAYBOOKS = (ASKED, HELD, LET_GO, ISOLATED, TOLD, PROMOTED, QUARANTINED, GUARDED, SLOWED, WARMED)
