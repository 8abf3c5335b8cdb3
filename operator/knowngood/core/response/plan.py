"""An incident's plan: which response, which steps of which rung, on which workload, back to which release."""

from knowngood.api.aiincident import AIIncident
from knowngood.api.common import IncidentType, Mode, Origin, Severity
from knowngood.api.conditions import Reason
from knowngood.api.incidentpolicy import IncidentPolicy, Response
from knowngood.api.plan import Plan, PlanStep, PlanTarget, Rung
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.facts.workload import Workload
from knowngood.core.response import templates
from knowngood.core.response.actions.isolate import NOT_SHOWN
from knowngood.core.response.ground import Ground
from knowngood.core.response.planned import with_known_good
from knowngood.core.response.playbooks import REPORTED, WITHOUT_CONTAINMENT, matching, mode_of, steps_of
from knowngood.core.response.registry import action

Rungs = tuple[tuple[Rung, Step], ...]


def build(ground: Ground) -> Plan:
    """The plan for a new incident. A step that has nothing to do it with is planned all the same, and says so later."""
    incident, policy = ground.incident, ground.policy
    severity = incident.status.severity or incident.spec.severity
    type = incident.status.type or incident.spec.type
    response = _response(policy, type, severity, incident) if policy else None
    notes: list[str] = []
    steps: Rungs = WITHOUT_CONTAINMENT
    mode, name, after = Mode.AUTOMATIC, "", None
    if response is None:
        notes.append(f"{Reason.NO_RESPONSE.value}: no response of the policy matches; evidence is kept and told")
    else:
        mode, name = mode_of(response, incident.spec.origin), response.playbook_ref.name
        playbook = ground.playbooks.get(name)
        if playbook is None:
            notes.append(f"{Reason.PLAYBOOK_NOT_FOUND.value}: there is no Playbook {name} in this namespace; apply one")
        else:
            steps = steps_of(playbook)
            after = playbook.spec.escalate.after if playbook.spec.escalate else None
    notes += [f"{Reason.NOT_SUPPORTED.value}: {why}" for why in unsupported(steps)]
    if any(step.action is ActionName.ISOLATE for _, step in steps):
        notes.append(f"{Reason.NOT_CUT_OFF.value}: {NOT_SHOWN}")
    plan = Plan(
        mode=mode,
        severity=severity,
        response=response.name if response else "",
        playbook=name,
        target=_target(ground.workload),
        notes=notes,
        escalate_after=after,
        steps=[_step(rung, step, ground) for rung, step in steps],
    )
    return with_known_good(plan, ground)


def _response(policy: IncidentPolicy, type: IncidentType, severity: Severity, incident: AIIncident) -> Response | None:
    """What is asked for by a signal, once one has joined what was reported; else by who reported it."""
    origin = incident.spec.origin
    seen = Origin.SIGNAL if incident.status.signals and origin in REPORTED else origin
    return matching(policy, type, severity, seen) or matching(policy, type, severity, origin)


def unsupported(steps: Rungs) -> list[str]:
    """The steps that this version cannot do, as sentences."""
    return [
        f"step {step.name}: this version has no action {step.action.value}; the step is skipped"
        for _, step in steps
        if action(step.action) is None
    ]


def _step(rung: Rung, step: Step, ground: Ground) -> PlanStep:
    found = action(step.action)
    described = found.describe(ground, step) if found else None
    timeout = step.timeout or (found.usual_timeout(step) if found else None)
    if step.action is ActionName.FREEZE_EVIDENCE and step.freeze_evidence is not None:
        timeout = step.freeze_evidence.budget
    return PlanStep(
        name=step.name,
        action=step.action.value,
        rung=rung,
        on_failure=step.on_failure,
        timeout=timeout,
        set_flag=step.set_flag,
        reroute_traffic=step.reroute_traffic,
        isolate=step.isolate,
        run_job=step.run_job,
        template_digest=ground.templates.get(templates.named_by(step), ""),
        gate=step.gate,
        allow_outage=step.allow_outage,
        summary=described.summary if described else "",
        precondition=described.precondition if described else "",
        effect=described.effect if described else "",
        undo=described.undo if described else "",
    )


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
