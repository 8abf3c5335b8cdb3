"""Notify: an Event and a log line that say what happened and what was done about it."""

from knowngood.api.conditions import ConditionType, Reason, find_condition, is_true
from knowngood.api.plan import PlanStep, StepState
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.incidents.record import stepped, told
from knowngood.core.response import outcome
from knowngood.core.response.actions.action import Action, Described
from knowngood.core.response.effects import Effect, Record, Tell
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground
from knowngood.core.response.mutation import Verb


class Notify(Action):
    """Tells, once."""

    name = ActionName.NOTIFY
    verbs = (Verb("events.k8s.io", "events", ("create",)),)

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        return Described("write an Event and a log line")

    def begin(self, facts: Facts, step: PlanStep) -> Effect:
        """Nothing is in its way."""
        intent = {"state": StepState.INTENDED, "intended_at": facts.now}
        return Record(stepped(facts.incident.status, step.name, intent))

    def advance(self, facts: Facts, step: PlanStep) -> Effect:
        """Say whether it is contained, and on what."""
        status = facts.incident.status
        contained = is_true(status.conditions, ConditionType.CONTAINED)
        how = find_condition(status.conditions, ConditionType.CONTAINED)
        known_good = status.plan.known_good if status.plan else None
        images = ", ".join(c.image for c in known_good.containers) if known_good else ""
        lead = f"{facts.incident.spec.model_ref.name}: {facts.incident.spec.summary or 'incident'}"
        where = f" on {images}" if images and facts.running else ""
        result = f"contained{where}: {how.message}" if contained and how else outcome.why_not_contained(status)
        done = {"state": StepState.DONE, "reason": Reason.DONE.value, "finished_at": facts.now}
        return Tell(
            reason="IncidentContained" if contained else "IncidentNotContained",
            message=f"{lead}; {result}",
            warning=True,
            then=told(stepped(status, step.name, done), facts.now, "Notified", result),
        )
