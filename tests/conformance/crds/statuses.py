"""A full status of each kind, as the operator writes it."""

from typing import Any, Final

DIGEST: Final = "sha256:" + "ab" * 32
GOOD: Final = "sha256:" + "cd" * 32
NOW: Final = "2026-11-23T06:00:00Z"
LATER: Final = "2026-11-23T06:00:08.250000Z"
IMAGE: Final = f"registry.local:5000/digits@{DIGEST}"
PINNED: Final = f"registry.local:5000/digits@{GOOD}"
SEEN: Final = [{"name": "model", "image": IMAGE, "digest": DIGEST}]
TARGET: Final = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits", "uid": "u-1"}


def condition(type_: str, status: str = "True", reason: str = "Valid") -> dict[str, Any]:
    """A condition of generation 1."""
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": "as it should be",
        "lastTransitionTime": NOW,
        "observedGeneration": 1,
    }


def step(name: str, action: str, **more: Any) -> dict[str, Any]:
    """A step that has begun."""
    usual = {"state": "Intended", "intendedAt": NOW, "rung": "Contain", "onFailure": "Escalate", "allowOutage": False}
    return {"name": name, "action": action, "summary": "as declared", **usual, **more}


MODEL: Final[dict[str, Any]] = {
    "observedGeneration": 1,
    "phase": "Incident",
    "running": {
        "containers": SEEN,
        "shortDigest": "abababababab",
        "release": "1.1.0",
        "since": NOW,
        "rollingOut": False,
    },
    "knownGood": {
        "containers": [{"name": "model", "image": PINNED}],
        "source": "Promoted",
        "shortDigest": "cdcdcdcdcdcd",
        "since": NOW,
    },
    "signals": {
        "ok": 2,
        "total": 3,
        "summary": "2/3",
        "items": [
            {
                "policy": "digits-quality",
                "name": "accuracy",
                "type": "ModelFailure",
                "verdict": "Breach",
                "reason": "BelowThreshold",
                "message": "0.41 is below 0.9",
                "since": NOW,
                "notSeparable": True,
            }
        ],
    },
    "incidentRef": {"name": "digits-1"},
    "episode": 1,
    "releases": [
        {
            "digest": GOOD,
            "containers": [{"name": "model", "image": PINNED}],
            "release": "1.0.0",
            "firstSeen": NOW,
            "lastSeen": NOW,
            "healthyFor": "18h",
            "provenAt": NOW,
            "ran": [{"from": NOW, "to": NOW}],
        },
        {"digest": DIGEST, "implicatedIn": "digits-1", "ran": [{"from": NOW}]},
    ],
    "quarantined": [{"digest": DIGEST, "incident": "digits-1", "since": NOW}],
    "conditions": [condition("Ready"), condition("SignalsAvailable"), condition("KnownGoodAvailable")],
}

POLICY: Final[dict[str, Any]] = {
    "observedGeneration": 1,
    "models": 12,
    "signals": 7,
    "expectedFalseAlarms": "84 in 30d",
    "conditions": [condition("Ready", "False", "NotSupported"), condition("SignalsAvailable")],
}

EVIDENCE: Final[dict[str, Any]] = {
    "frozenAt": NOW,
    "budget": "2s",
    "took": "1s250ms",
    "missing": [{"item": "configs", "reason": "the budget of 2s ended"}],
    "workload": TARGET
    | {
        "generation": 4,
        "resourceVersion": "77",
        "containers": [
            {
                "name": "model",
                "image": IMAGE,
                "env": [{"name": "MODEL_REVISION", "value": "8"}, {"name": "TOKEN"}],
            }
        ],
        "replicas": 2,
        "scaledAt": NOW,
    },
    "pods": [
        {
            "name": "digits-1",
            "node": "kglab",
            "startedAt": NOW,
            "ready": True,
            "restarts": 0,
            "containers": [{"name": "model", "image": IMAGE, "imageID": IMAGE}],
        }
    ],
    "rollouts": [
        {
            "revision": "4",
            "replicaSet": "digits-5d",
            "createdAt": NOW,
            "containers": [{"name": "model", "image": IMAGE}],
            "replicas": 2,
            "changes": [{"kind": "Release", "what": "container model: image digits:1.0.0 → digits:1.1.0"}],
        }
    ],
    "configs": [{"kind": "ConfigMap", "name": "settings", "sha256": "ab" * 32, "changedAt": NOW, "live": True}],
    "dependencies": [
        {
            "name": "embedder",
            "kind": "ModelDeployment",
            "object": "embedder",
            "contract": "embeddings",
            "version": "v2",
            "required": "v1",
            "changedAt": NOW,
            "incident": "embedder-1",
            "incidentOpenedAt": LATER,
        }
    ],
    "series": [
        {
            "signal": "accuracy",
            "part": "total",
            "query": "up",
            "start": NOW,
            "end": LATER,
            "step": "2s",
            "labels": {"model": "digits", "release": "1.1.0"},
            "points": [{"t": NOW, "v": "NaN"}, {"t": LATER, "v": "0.41"}],
        }
    ],
    "traces": ["4bf92f3577b34da6a3ce929d0e0e4736"],
}

ROUTE: Final = {"resourceVersion": "79", "selector": {"app": "digits"}, "wanted": {"app": "digits-standby"}}
PLAN: Final[dict[str, Any]] = {
    "hash": DIGEST,
    "mode": "Automatic",
    "severity": "High",
    "escalateAfter": "5m",
    "escalatedAt": LATER,
    "response": "bad-release",
    "playbook": "pin-known-good",
    "target": TARGET | {"namespace": "vision"},
    "knownGood": {"containers": [{"name": "model", "image": PINNED}], "source": "Spec"},
    "notes": ["PullabilityUnknown: the registry was not asked"],
    "steps": [
        {
            "name": "pin",
            "action": "PinKnownGood",
            "summary": "Deployment digits: model back to 1.0.0",
            "state": "Done",
            "reason": "Done",
            "message": "2 of 2 pods",
            "intendedAt": NOW,
            "startedAt": NOW,
            "finishedAt": LATER,
            "timeout": "5m",
            "rung": "Contain",
            "onFailure": "Escalate",
            "allowOutage": False,
            "precondition": "Deployment digits still declares the suspect's images",
            "effect": "every pod runs the known-good images",
            "undo": "what stood there before is put back",
            "observed": {"resourceVersion": "77", "containers": [{"name": "model", "image": IMAGE}], "replicas": 2},
            "reverts": {
                "by": "Kustomization flux-system/models",
                "writtenAgain": 1,
                "answered": "2026-11-23T06:01:00Z",
                "dueAt": LATER,
            },
        },
        step("guard", "SetFlag", setFlag={"flag": "safe-mode"}, observed={"resourceVersion": "78", "value": "off"}),
        step("away", "RerouteTraffic", rerouteTraffic={"to": "Standby"}, observed=ROUTE),
        step(
            "cut",
            "Isolate",
            isolate={"keep": 2, "keepFor": "24h"},
            allowOutage=True,
            observed=ROUTE | {"pods": [{"name": "digits-1", "uid": "u-3"}]},
        ),
        step("clean", "RunJob", runJob={"template": "clear-cache"}),
        step("ask", "Gate", gate={"person": {"ask": "is the ticket open?"}}),
        step("look", "Gate", gate={"promql": {"query": "up", "below": 0.1}}),
        step("check", "Gate", gate={"job": {"template": "smoke-test"}}),
    ],
}

ANALYSIS: Final[dict[str, Any]] = {
    "onsetAt": NOW,
    "onsetEarliest": NOW,
    "onsetLatest": LATER,
    "method": "ChangePoint",
    "signal": "accuracy",
    "causes": [
        {
            "kind": "Release",
            "summary": "another image was rolled out",
            "changedAt": NOW,
            "score": 90,
            "evidence": ["roll-out digits-5d (revision 4)"],
        }
    ],
    "segments": [{"labels": {"group": "a"}, "before": "0.97", "after": "0.2"}],
    "segmentsTotal": 2,
    "agreeingSignals": [
        {"policy": "digits-quality", "name": "score-drift", "type": "DataDrift", "verdict": "Breach", "since": NOW}
    ],
    "assessedType": "ModelFailure",
    "sentence": "accuracy went wrong at about 06:00:00Z",
}

INCIDENT: Final[dict[str, Any]] = {
    "observedGeneration": 1,
    "phase": "Contained",
    "episode": 1,
    "type": "ModelFailure",
    "severity": "High",
    "modelUID": "u-2",
    "policy": "digits-quality",
    "openedAt": NOW,
    "lastBreachAt": LATER,
    "approval": {"by": "alice@example.org", "decision": "Approve", "planHash": DIGEST, "at": LATER},
    "ignoredDecisions": ["Approval:0123456789abcdef"],
    "containedAt": LATER,
    "containedAfter": "8s",
    "recoveredAt": LATER,
    "primarySignal": "accuracy",
    "signals": [
        {
            "name": "accuracy",
            "policy": "digits-quality",
            "type": "ModelFailure",
            "severity": "High",
            "firstBreachAt": NOW,
            "lastBreachAt": LATER,
            "verdict": "Breach",
            "reason": "BelowThreshold",
            "value": "0.41",
            "threshold": "0.9",
            "window": "1m",
            "samples": 812,
            "query": "sum by (namespace, model, release) (…)",
            "segment": {"model": "digits"},
            "release": "1.1.0",
            "notSeparable": False,
        }
    ],
    "suspect": {"containers": SEEN, "digest": DIGEST, "release": "1.1.0"},
    "evidence": EVIDENCE,
    "analysis": ANALYSIS,
    "plan": PLAN,
    "timeline": [{"time": NOW, "actor": "Operator", "reason": "Opened", "message": "accuracy 0.41 below 0.9"}],
    "conditions": [
        condition(word)
        for word in (
            "Ready",
            "Acknowledged",
            "EvidenceFrozen",
            "Contained",
            "ContainmentEffective",
            "Contested",
            "Recovered",
            "Reviewed",
            "ApprovalsGuarded",
        )
    ],
}

PLAYBOOK: Final[dict[str, Any]] = {
    "observedGeneration": 1,
    "conditions": [condition("Ready", "False", "NotSupported")],
}

STATUSES: Final = {"ModelDeployment": MODEL, "IncidentPolicy": POLICY, "Playbook": PLAYBOOK, "AIIncident": INCIDENT}
