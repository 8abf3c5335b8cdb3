"""Small builders, so that a test reads as event + state in, state out.

Everything that people or the API server write goes through `from_object`, so that no test rests on an object that
could not exist. Moments are seconds after `START`.
"""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.evidence import Evidence, SeenWorkload
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.modelstatus import Release
from knowngood.api.observed import NamedImage, Verdict
from knowngood.api.playbook import Playbook
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.facts.labels import Selector
from knowngood.core.facts.things import Thing, read_thing
from knowngood.core.facts.workload import Container, Pod, PodContainer, Workload
from knowngood.core.incidents import evidence as evidence_of
from knowngood.core.incidents.judge import Judged
from knowngood.core.incidents.opening import SignalView, incident_object
from knowngood.core.response.facts import Facts, Standby
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.compiled import CompiledSignal, compile_policy

NAMESPACE, MODEL, CONTAINER, POLICY, SIGNAL = "vision", "digits", "model", "digits-quality", "accuracy"
REGISTRY = "registry.local:5000"
REPOSITORY = f"{REGISTRY}/digits"
UID = "11111111-2222-3333-4444-555555555555"
WORKLOAD_UID = "99999999-2222-3333-4444-555555555555"
START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def at(seconds: float = 0.0) -> datetime:
    """The moment `seconds` after the start."""
    return START + timedelta(seconds=seconds)


def digest(name: str) -> str:
    """A digest that stands for the release called `name`."""
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def image(name: str, repository: str = REPOSITORY) -> str:
    """The image of the release called `name`, by digest."""
    return f"{repository}@{digest(name)}"


GOOD, BAD, FIX = digest("good"), digest("bad"), digest("fix")


def merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, blocks merged, None removing."""
    made = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(made.get(key), dict):
            made[key] = merged(made[key], value)
        else:
            made[key] = value
    return made


def pinned(name: str = "good", container: str = CONTAINER, **more: Any) -> dict[str, Any]:
    """A `spec.knownGood` that names the release called `name`."""
    return {"containers": [{"name": container, "image": image(name), **more}]}


def model(spec: Mapping[str, Any] | None = None, releases: Sequence[Release] = (), **meta: Any) -> ModelDeployment:
    """The ModelDeployment `digits`; with no `knownGood`, its proven `releases` are what there is."""
    raw = {
        "metadata": {"name": MODEL, "namespace": NAMESPACE, "uid": UID, "generation": 1, **meta},
        "spec": merged(
            {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": MODEL}, "container": CONTAINER},
            spec or {},
        ),
    }
    made = ModelDeployment.from_object(raw)
    return made.model_copy(update={"status": made.status.model_copy(update={"releases": list(releases)})})


def release(name: str, label: str | None = None, proven: float | None = None, **changes: Any) -> Release:
    """A release of the history, proven `proven` seconds after the start."""
    return Release(
        digest=digest(name),
        containers=[NamedImage(name=CONTAINER, image=image(name))],
        release=label,
        first_seen=START,
        proven_at=None if proven is None else at(proven),
        **changes,
    )


def signal(**changes: Any) -> dict[str, Any]:
    """The signal `accuracy`."""
    base = {
        "name": SIGNAL,
        "type": "ModelFailure",
        "severity": "High",
        "ratio": {"good": "good_total", "total": "all_total", "window": "20s"},
        "detector": {"threshold": {"below": 0.9, "for": "5s", "minSamples": 50}},
    }
    return merged(base, changes)


def response(**changes: Any) -> dict[str, Any]:
    """The response that pins at once."""
    base = {"name": "bad-release", "playbookRef": {"name": "pin-known-good"}, "mode": "Automatic"}
    return merged(base, changes)


def policy(
    signals: Sequence[dict[str, Any]] | None = None,
    responses: Sequence[dict[str, Any]] | None = None,
    name: str = POLICY,
    **spec: Any,
) -> IncidentPolicy:
    """The IncidentPolicy `digits-quality`: every 5 s, the release label `release`."""
    return IncidentPolicy.from_object(
        {
            "metadata": {"name": name, "namespace": NAMESPACE, "uid": "policy-uid", "generation": 1},
            "spec": {
                "selector": {},
                "interval": "5s",
                "identity": {"release": "release"},
                "signals": [signal()] if signals is None else list(signals),
                "responses": [response()] if responses is None else list(responses),
                **spec,
            },
        }
    )


def playbook(
    name: str = "pin-known-good",
    steps: Sequence[dict[str, Any]] | None = None,
    escalate: Mapping[str, Any] | None = None,
    **pin: Any,
) -> Playbook:
    """The Playbook `pin-known-good`: evidence, pin (with the fields of ``pin``), tell; no further rung by default."""
    evidence = {"name": "evidence", "action": "FreezeEvidence", "freezeEvidence": {"budget": "2s"}}
    pinning = {"name": "pin", "action": "PinKnownGood", "timeout": "5m", **pin}
    spec: dict[str, Any] = {"contain": steps or [evidence, pinning, {"name": "tell", "action": "Notify"}]}
    if escalate is not None:
        spec["escalate"] = dict(escalate)
    return Playbook.from_object({"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})


def thing(kind: str, name: str, body: Mapping[str, Any], consent: str | None = MODEL) -> Thing:
    """An object beside the workload, as the API gives it."""
    versions = {"ConfigMap": "v1", "Service": "v1", "NetworkPolicy": "networking.k8s.io/v1"}
    versions |= {"CronJob": "batch/v1", "Job": "batch/v1"}
    labels = {} if consent is None else {"knowngood.dev/model": consent}
    meta = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "resourceVersion": "100", "labels": labels}
    return read_thing({"apiVersion": versions[kind], "kind": kind, "metadata": meta, **body})


ROLLOUT = {"api_version": "argoproj.io/v1alpha1", "kind": "Rollout"}
ROLLOUT_REF = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
SERVICE = {"serviceRef": {"name": MODEL}}
STANDBY = {"standby": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits-standby"}}}


def service(selector: Mapping[str, str] | None = None, consent: str | None = MODEL, **marks: str) -> Thing:
    """The Service `digits`, which leads to the workload; ``marks`` are annotations of ours."""
    made = thing("Service", MODEL, {"spec": {"selector": dict(selector or {"app": MODEL})}}, consent)
    annotations = {f"knowngood.dev/{key.replace('_', '-')}": value for key, value in marks.items()}
    return read_thing(merged(dict(made.raw), {"metadata": {"annotations": annotations}}))


def standby(running: str = "good", ready: bool = True, consent: str | None = MODEL, **changes: Any) -> Standby:
    """The Deployment `digits-standby` on the release called `running`, with two pods."""
    name, labels = "digits-standby", {"app": "digits-standby"}
    selector = Selector(tuple(labels.items()))
    found = workload({CONTAINER: image(running)}, consent=consent, name=name, uid="standby-uid", selector=selector)
    their = tuple(pod(f"{name}-{i}", running, labels=labels, ready=ready) for i in range(2))
    return Standby(replace(found, **changes), their)


AWAY = {"name": "away", "action": "ScaleToZero", "allowOutage": True}


def compiled(changes: Mapping[str, Any] | None = None, **spec: Any) -> CompiledSignal:
    """The signal `accuracy` with `changes`, compiled. Fails where it has a problem."""
    found = compile_policy(policy([signal(**(changes or {}))], **spec), [model()])
    assert found.problems == ()
    return found.signals[0]


def workload(
    images: Mapping[str, str] | None = None,
    env: Mapping[str, Sequence[tuple[str, str | None]]] | None = None,
    consent: str | None = MODEL,
    **changes: Any,
) -> Workload:
    """The Deployment `digits`, rolled out, on the bad release."""
    images = images or {CONTAINER: image("bad")}
    values: dict[str, Any] = {
        "api_version": "apps/v1",
        "kind": "Deployment",
        "namespace": NAMESPACE,
        "name": MODEL,
        "uid": WORKLOAD_UID,
        "resource_version": "100",
        "generation": 1,
        "observed_generation": 1,
        "labels": {} if consent is None else {"knowngood.dev/model": consent},
        "annotations": {},
        "selector": Selector((("app", MODEL),)),
        "containers": tuple(Container(n, i, tuple((env or {}).get(n, ()))) for n, i in images.items()),
        "replicas": 2,
        "status_replicas": 2,
        "updated": 2,
        "available": 2,
        "paused": False,
        "deleting": False,
    }
    return Workload(**{**values, **changes})


def pod(name: str, running: str = "bad", **changes: Any) -> Pod:
    """A ready pod on the release called `running`."""
    values: dict[str, Any] = {
        "namespace": NAMESPACE,
        "name": name,
        "uid": f"uid-{name}",
        "labels": {"app": MODEL},
        "node": "node-1",
        "started_at": START.timestamp() - 3600,
        "ready": True,
        "terminating": False,
        "phase": "Running",
        "resource_version": "100",
        "containers": (PodContainer(CONTAINER, image(running), image(running)),),
    }
    return Pod(**{**values, **changes})


def pods(running: str = "bad", number: int = 2) -> tuple[Pod, ...]:
    """The workload's pods, all on one release."""
    return tuple(pod(f"{MODEL}-{running}-{i}", running) for i in range(number))


def judgement(verdict: Verdict = Verdict.BREACH, running: str = "bad", **changes: Any) -> Judgement:
    """What the detector said of the release called `running`."""
    bad = verdict is Verdict.BREACH
    values: dict[str, Any] = {
        "verdict": verdict,
        "reason": Reason.BELOW_THRESHOLD if bad else Reason.HEALTHY,
        "message": "the value is below 0.9" if bad else "within its limits: not below 0.9",
        "value": 0.2 if bad else 0.97,
        "count": 200.0,
        "threshold": "below 0.9",
        "release": running,
        "digest": digest(running),
    }
    return Judgement(**{**values, **changes})


def judged(verdict: Verdict = Verdict.BREACH, running: str = "bad") -> Judged:
    """The same as the board takes it in."""
    return Judged(judgement(verdict, running), {})


def view(
    verdict: Verdict = Verdict.BREACH,
    running: str = "bad",
    since: float = 0.0,
    of: CompiledSignal | None = None,
    **changes: Any,
) -> SignalView:
    """A verdict as the board holds it, since `since` seconds after the start."""
    return SignalView(of or compiled(), judgement(verdict, running, **changes), at(since))


def absent(state: DataState = DataState.EMPTY, since: float = 0.0) -> SignalView:
    """A signal without data to judge."""
    verdict = Verdict.ERROR if state.is_error else Verdict.INCONCLUSIVE
    said = Judgement(verdict=verdict, reason=state.value, message="no data", state=state)
    return SignalView(compiled(), said, at(since))


def views(*found: SignalView) -> dict[tuple[str, str], SignalView]:
    """The board of a model."""
    return {(v.signal.policy, v.signal.name): v for v in found}


def incident(status: Mapping[str, Any] | None = None, found: SignalView | None = None, **spec: Any) -> AIIncident:
    """The incident of the first episode as the API server holds it after its creation."""
    raw: Any = incident_object(model(), 1, found or view(), START)
    created = START.isoformat()
    raw["metadata"].update(
        {"uid": "incident-uid", "resourceVersion": "1", "generation": 1, "creationTimestamp": created}
    )
    raw["spec"] = merged(raw["spec"], spec)
    return AIIncident.from_object({**raw, "status": dict(status or {})})


def evidence(seconds: float = 10.0) -> Evidence:
    """Evidence of nothing but the moment."""
    return Evidence(frozen_at=at(seconds), budget="2s", took="10ms")


def seen(found: Workload) -> SeenWorkload:
    """The workload as evidence shows it."""
    return evidence_of.workload(found)


def facts(**changes: Any) -> Facts:
    """A new incident on a breach of the bad release, the good one proven."""
    values: dict[str, Any] = {
        "incident": incident(),
        "model": model(releases=[release("bad"), release("good", proven=0)]),
        "policy": policy(),
        "playbooks": {"pin-known-good": playbook()},
        "workload": workload(),
        "pods": pods(),
        "container": CONTAINER,
        "signals": views(view()),
        "implicated": frozenset({BAD}),
        "registries": (),
        "episode": 1,
        "now": at(10),
    }
    return Facts(**{**values, **changes})


def row(value: float, part: str = "", when: float = 0.0, **labels: str) -> Row:
    """A row of an answer for the model `digits`, of one part of a combined request."""
    marked = {"knowngood_part": part} if part else {}
    return Row({"namespace": NAMESPACE, "model": MODEL, **labels, **marked}, value, START.timestamp() + when)
