"""An incident's plan: which response, which steps, on which workload, back to which release."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from knowngood.api.aiincident import AIIncident
from knowngood.api.common import Mode
from knowngood.api.conditions import Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.observed import NamedImage
from knowngood.api.plan import Plan, PlanKnownGood, PlanStep, PlanTarget
from knowngood.core.facts.workload import Workload
from knowngood.core.response.knowngood import (
    Candidate,
    Choice,
    Refusal,
    Situation,
    candidates,
    choose,
    explain,
)
from knowngood.core.response.playbooks import (
    FREEZE_EVIDENCE,
    NOTIFY,
    PIN_KNOWN_GOOD,
    WITHOUT_CONTAINMENT,
    StepPlan,
    matching,
    mode_of,
    steps_of,
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made from."""

    incident: AIIncident
    model: ModelDeployment
    policy: IncidentPolicy | None
    workload: Workload | None
    container: str
    running: frozenset[str]
    implicated: frozenset[str]
    registries: tuple[str, ...]


def build(ground: Ground) -> Plan:
    """The plan for a new incident. A step that has nothing to do it with is planned all the same, and says so later."""
    incident, policy = ground.incident, ground.policy
    severity, type = (
        incident.status.severity or incident.spec.severity,
        incident.status.type or incident.spec.type,
    )
    response = matching(policy, type, severity, incident.spec.origin) if policy else None
    notes: list[str] = []
    steps: tuple[StepPlan, ...] = WITHOUT_CONTAINMENT
    mode, playbook = Mode.AUTOMATIC, ""
    if response is None:
        notes.append(f"{Reason.NO_RESPONSE.value}: no response of the policy matches; evidence is kept and told")
    else:
        mode, playbook = mode_of(response, incident.spec.origin), response.playbook_ref.name
        built_in = steps_of(playbook)
        if built_in is None:
            notes.append(f"{Reason.NOT_SUPPORTED.value}: the playbook {playbook} is not known; write pin-known-good")
        steps = built_in or WITHOUT_CONTAINMENT
    plan = Plan(
        mode=mode,
        response=response.name if response else "",
        playbook=playbook,
        target=_target(ground.workload),
        notes=notes,
        steps=[PlanStep(name=s.name, action=s.action, timeout=s.timeout, summary=_summary(s, ground)) for s in steps],
    )
    return with_known_good(plan, ground)


def with_known_good(plan: Plan, ground: Ground) -> Plan:
    """The plan with the release to go back to, where it pins one and there is one; its hash with it."""
    if any(step.action == PIN_KNOWN_GOOD for step in plan.steps):
        choice = choice_for(ground)
        if choice.candidate is not None:
            plan = _pinned(plan, choice.candidate)
    return plan.model_copy(update={"hash": plan_hash(plan)})


def _pinned(plan: Plan, candidate: Candidate) -> Plan:
    containers = [NamedImage(name=p.container, image=p.image) for p in candidate.pins]
    known_good = PlanKnownGood(containers=containers, source=candidate.source)
    images = ", ".join(f"{c.name} to {c.image}" for c in containers)
    note = f"{Reason.PULLABILITY_UNKNOWN.value}: whether the image can be pulled was not asked"
    steps = [s.model_copy(update={"summary": f"pin {images}"}) if s.action == PIN_KNOWN_GOOD else s for s in plan.steps]
    notes = list(dict.fromkeys([*plan.notes, note]))
    return plan.model_copy(update={"known_good": known_good, "steps": steps, "notes": notes})


def choice_for(ground: Ground) -> Choice:
    """The release to go back to now, or why there is none."""
    obstacle = _obstacle(ground)
    if obstacle is not None or ground.workload is None:
        return Choice(None, (obstacle,) if obstacle else ())
    suspect = ground.incident.status.suspect
    situation = Situation(
        ground.workload,
        ground.container,
        ground.running,
        ground.implicated,
        ground.registries,
        suspect.digest if suspect else "",
    )
    return choose(candidates(ground.model, ground.container), situation)


def _obstacle(ground: Ground) -> Refusal | None:
    ref, workload = ground.model.spec.workload_ref, ground.workload
    if workload is None:
        return Refusal(Reason.WORKLOAD_NOT_FOUND, f"there is no {ref.kind.value} {ref.name} to patch")
    name = ground.model.metadata.name
    if workload.labels.get("knowngood.dev/model") != name:
        return Refusal(
            Reason.CONSENT_MISSING,
            f"{ref.kind.value} {ref.name} lacks its owner's consent; label it knowngood.dev/model={name}",
        )
    if workload.paused:
        return Refusal(Reason.PAUSED, f"{ref.kind.value} {ref.name} is paused and would not roll out; resume it")
    return None


def _target(workload: Workload | None) -> PlanTarget | None:
    if workload is None:
        return None
    return PlanTarget(
        api_version=workload.api_version,
        kind=workload.kind,
        namespace=workload.namespace,
        name=workload.name,
        uid=workload.uid,
    )


def _summary(step: StepPlan, ground: Ground) -> str:
    ref = ground.model.spec.workload_ref
    return {
        FREEZE_EVIDENCE: "record the signal's raw samples, pods, roll-outs, environment and configuration",
        PIN_KNOWN_GOOD: f"put {ref.kind.value} {ref.name} back on its known-good release",
        NOTIFY: "write an Event and a log line",
    }[step.action]


def plan_hash(plan: Plan) -> str:
    """A digest of what the plan does: mode, target, images and steps; progress is no part of it."""
    known_good = plan.known_good.to_object() if plan.known_good else None
    target = plan.target.to_object() if plan.target else None
    steps: Iterable[list[str]] = [[s.name, s.action, s.timeout or ""] for s in plan.steps]
    content = [plan.mode, plan.response, plan.playbook, target, known_good, steps]
    return "sha256:" + hashlib.sha256(orjson.dumps(content)).hexdigest()


def refused(choice: Choice) -> tuple[Reason, str]:
    """The first refusal's reason, and all of them as a message."""
    first = choice.refusals[0].reason if choice.refusals else Reason.NOTHING_PROVEN
    return first, explain(choice.refusals)
