"""FreezeEvidence: what stands in the cluster and in the metrics is recorded before anything is touched."""

from knowngood.api.durations import seconds
from knowngood.api.plan import PlanStep, StepState
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.incidents.record import stepped
from knowngood.core.response.actions.action import Action, Described
from knowngood.core.response.effects import Effect, FreezeEvidence, Record
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground
from knowngood.core.response.mutation import Verb


class Freeze(Action):
    """Reads only; what is missing when its budget ends is listed."""

    name = ActionName.FREEZE_EVIDENCE
    default_timeout = "2s"
    verbs = (Verb("apps", "replicasets", ("list",)), Verb("", "configmaps", ("get",)))

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        summary = "record the signal's raw samples, pods, roll-outs, environment and configuration"
        return Described(summary, effect="status.evidence holds it; what is missing is listed")

    def begin(self, facts: Facts, step: PlanStep) -> Effect:
        """Nothing is in its way."""
        intent = {"state": StepState.INTENDED, "intended_at": facts.now}
        return Record(stepped(facts.incident.status, step.name, intent))

    def advance(self, facts: Facts, step: PlanStep) -> Effect:
        """Gather, within the budget."""
        return FreezeEvidence(seconds(step.timeout or self.default_timeout), facts.incident.status)
