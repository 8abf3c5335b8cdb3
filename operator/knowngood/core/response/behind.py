"""An incident that another one of the same model is worked on before: it says so, and hears what people decide."""

from knowngood.api.conditions import ConditionType, Reason, is_true
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.plan import Plan, StepState
from knowngood.core.response import approval, ladder, outcome
from knowngood.core.response.effects import Record
from knowngood.core.response.facts import Facts


def waited(facts: Facts, first: str) -> AIIncidentStatus:
    """With what it waits for: ``first`` is the incident that is worked on."""
    status = facts.incident.status
    why = f"incident {first} of this model is worked on first; this one waits until that is over"
    step = ladder.current(status)
    if is_true(status.conditions, ConditionType.CONTAINED):
        return status
    if step is not None and step.state is StepState.PENDING:
        return outcome.waiting(status, step, Reason.WAITS, why, facts)
    if status.plan is None:
        return outcome.waits(status, why, facts)
    return status


def decided(facts: Facts) -> AIIncidentStatus:
    """With what people decided; without a plan, as if that were empty: there is nothing to approve, or to take back."""
    status = facts.incident.status
    planned = status if status.plan is not None else status.model_copy(update={"plan": Plan()})
    effect = approval.decisions(facts.with_status(planned))
    if not isinstance(effect, Record):
        return status
    return effect.status if status.plan is not None else effect.status.model_copy(update={"plan": None})


def taken_up(waited: AIIncidentStatus, first: AIIncidentStatus) -> AIIncidentStatus:
    """The ``first`` status of an incident whose turn it is, with what was recorded while it waited."""
    update = {
        "conditions": [c for c in waited.conditions if c.reason != Reason.WAITS],
        "timeline": [*waited.timeline, *first.timeline],
        "ignored_decisions": waited.ignored_decisions,
    }
    return first.model_copy(update=update)
