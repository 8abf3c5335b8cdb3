"""What of a plan stays when another takes its place, and whether one may."""

from collections.abc import Iterable

from knowngood.api.conditions import Reason
from knowngood.api.plan import Plan, PlanStep, StepState
from knowngood.api.steps import ActionName
from knowngood.core.response.registry import changes_workload

_KEPT = (ActionName.FREEZE_EVIDENCE, ActionName.NOTIFY)
_DECIDED = frozenset({Reason.REJECTED, Reason.PERSON_WROTE, Reason.WORKLOAD_NOT_FOUND})
"""Why a step was not done by somebody's decision; what was only planned, or passed over, decided nothing."""

_PROGRESS = ("state", "reason", "message", "intended_at", "started_at", "finished_at")


def begun(plan: Plan) -> bool:
    """Whether anything of it that changes the workload has begun or was decided; what records or tells never counts."""
    return any(_begun(s) for s in plan.steps)


def _begun(step: PlanStep) -> bool:
    if not changes_workload(step.action) or step.state is StepState.PENDING:
        return False
    return step.state is not StepState.SKIPPED or step.reason in _DECIDED


def in_place_of(before: Plan, made: Plan) -> Plan:
    """``made``, with what is recorded and told already; a rung that was begun stays so with the same playbook.

    What was told stands for a step of the new plan only where that would tell the same: nothing has changed the
    workload before it. How that change ends is told when it has.
    """
    escalated_at = before.escalated_at if before.playbook == made.playbook else None
    return made.model_copy(update={"steps": _carried(before.steps, made.steps), "escalated_at": escalated_at})


def _carried(before: Iterable[PlanStep], made: Iterable[PlanStep]) -> list[PlanStep]:
    done = [s for s in before if s.finished_at is not None and s.action in _KEPT]
    steps: list[PlanStep] = []
    changes = False
    for step in made:
        changes = changes or changes_workload(step.action)
        news = changes and step.action == ActionName.NOTIFY
        same = next((d for d in done if (d.action, d.rung) == (step.action, step.rung)), None)
        if same is not None and not news:
            done.remove(same)
            step = step.model_copy(update={name: getattr(same, name) for name in _PROGRESS})
        steps.append(step)
    return steps
