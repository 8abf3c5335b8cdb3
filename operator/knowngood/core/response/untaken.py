"""A write that the API server does not take now, and perhaps never: said while it is tried again, given up in time.

Somebody's webhook may be down, so that each patch ends in a 500; or the object never holds still. What is tried was
looked at again right before, so that a write whose answer was lost is found, and settled.
"""

from datetime import datetime, timedelta

from knowngood.api.conditions import Reason
from knowngood.api.durations import seconds
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.incidents.record import clipped, stepped, told
from knowngood.core.response import outcome
from knowngood.core.response.effects import Apply, Effect, Record
from knowngood.core.response.facts import Facts, Refusal

_LONGEST = 1000  # characters of what the server said
_SAYS = "the API server does not take what it writes"


def considered(effect: Effect, facts: Facts, step: PlanStep, usual: str) -> Effect:
    """Instead of a write that is refused lastingly: what is said of it, or that the step has failed.

    ``usual`` is how long such a step may take that does not say so.
    """
    refusal = facts.refusal
    if not isinstance(effect, Apply) or refusal is None:
        return effect
    timeout = step.timeout or usual
    late = facts.now - _tried_since(step, refusal) > timedelta(seconds=seconds(timeout))
    why = f"{_SAYS}: {clipped(refusal.message, _LONGEST)}"
    if late and step.reason != Reason.HANDING_BACK:  # what stood only for the incident does not stay because of that
        given_up = f"{step.action} was not written in {timeout}, and is not any more; {why}"
        return Record(outcome.failed(facts.incident.status, step, Reason.FAILED, given_up, facts))
    return effect if step.message == why else Record(_said(step, why, facts))


def _tried_since(step: PlanStep, refusal: Refusal) -> datetime:
    """By the record, which outlives the process, where that tells when the first write was due."""
    first = step.state is StepState.INTENDED and step.started_at is None and step.reverts is None
    return step.intended_at if first and step.intended_at is not None else refusal.since


def _said(step: PlanStep, why: str, facts: Facts) -> AIIncidentStatus:
    """In the step and, where it is on its way, in the condition; the timeline tells of it once."""
    status, about = facts.incident.status, f"{step.name} ({step.action}) is not written yet, and is tried again; {why}"
    if not step.message.startswith(_SAYS):
        status = told(status, facts.now, Reason.NOT_WRITTEN, about)
    if step.state is not StepState.INTENDED:
        return stepped(status, step.name, {"message": why})
    status = stepped(status, step.name, {"reason": Reason.NOT_WRITTEN.value, "message": why})
    return outcome.in_progress(status, step, about, facts, Reason.NOT_WRITTEN)
