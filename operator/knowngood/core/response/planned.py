"""A plan's known-good release, and its hash: the part that is asked for again until the pin begins."""

import hashlib

import orjson

from knowngood.api.conditions import Reason
from knowngood.api.plan import Plan, PlanStep
from knowngood.api.steps import ActionName
from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.record import clipped
from knowngood.core.response import committing, environment
from knowngood.core.response.ground import Ground, choice_for
from knowngood.core.response.knowngood import Candidate


def with_known_good(plan: Plan, ground: Ground) -> Plan:
    """The plan with the release to go back to, where it pins one and there is one; its hash with it."""
    if any(step.action == ActionName.PIN_KNOWN_GOOD for step in plan.steps):
        choice = choice_for(ground)
        if choice.candidate is not None:
            plan = _pinned(plan, choice.candidate, ground)
    return plan.model_copy(update={"hash": plan_hash(plan)})


def _pinned(plan: Plan, candidate: Candidate, ground: Ground) -> Plan:
    note = f"{Reason.PULLABILITY_UNKNOWN.value}: whether the image can be pulled was not asked"
    pin = ActionName.PIN_KNOWN_GOOD
    summary = environment.summary(candidate.pins)
    steps = [s.model_copy(update={"summary": summary}) if s.action == pin else s for s in plan.steps]
    others = [n for n in plan.notes if not n.startswith(Reason.KEPT_ELSEWHERE.value)]
    notes = list(dict.fromkeys([*others, note, *_elsewhere(ground.workload, candidate)]))
    return plan.model_copy(update={"known_good": environment.known_good(candidate), "steps": steps, "notes": notes})


def _elsewhere(workload: Workload | None, candidate: Candidate) -> list[str]:
    """Who would put back what is pinned, and what a person changes there."""
    if workload is None:
        return []
    said = [committing.advice(keeper, workload, candidate.pins) for keeper in workload.keepers]
    return [clipped(f"{Reason.KEPT_ELSEWHERE.value}: {advice}") for advice in said]


def plan_hash(plan: Plan) -> str:
    """A digest of what the plan does: mode, target, release and steps of every rung; progress is no part of it."""
    # The variables by envDigest alone: it is of the whole values, and does not change with how they are shown.
    known_good = plan.known_good.model_copy(update={"env": []}).to_object() if plan.known_good else None
    target = plan.target.to_object() if plan.target else None
    steps = [[s.rung, s.name, s.action, s.timeout or "", s.on_failure, *_said(s)] for s in plan.steps]
    severity = plan.severity.value if plan.severity else ""
    content = [
        plan.mode,
        plan.response,
        plan.playbook,
        severity,
        target,
        known_good,
        plan.escalate_after or "",
        steps,
    ]
    return "sha256:" + hashlib.sha256(orjson.dumps(content)).hexdigest()


_BY_FIELDS = frozenset(
    {ActionName.FREEZE_EVIDENCE, ActionName.PIN_KNOWN_GOOD, ActionName.SCALE_TO_ZERO, ActionName.NOTIFY}
)
"""Actions of which the plan's other fields say all that they would do."""


def _said(step: PlanStep) -> list[str]:
    """What the step would do, with names and values, where that depends on what it refers to."""
    template = [step.template_digest] if step.template_digest else []
    return [] if step.action in _BY_FIELDS else [step.summary, *template]
