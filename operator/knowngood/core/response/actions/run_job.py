"""RunJob: run a template that the administrator allows, and wait until it has ended well.

It makes one Job, of just what the template says. What a Job does cannot be taken back.
"""

from typing import ClassVar

from knowngood.api.conditions import Reason
from knowngood.api.plan import PlanStep, StepObserved
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.facts.things import Ref
from knowngood.core.response import jobs, lookups
from knowngood.core.response.actions.action import Described
from knowngood.core.response.changing import Changing, State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground, obstacle
from knowngood.core.response.mutation import Write
from knowngood.core.response.templates import named_by, said


class RunJob(Changing):
    """Something of the user's own: a cache cleared, a report gathered, an index put back."""

    name = ActionName.RUN_JOB
    default_timeout = "10m"
    applied = "JobStarted"
    in_effect = "the Job has ended well"
    no_way_back = "what a Job did cannot be taken back"
    verbs = jobs.VERBS
    writes: ClassVar = {"Job": ("*",)}

    def needs(self, facts: Facts, step: PlanStep) -> tuple[Ref, ...]:
        """The template and the Job."""
        return jobs.template(_template(step)), jobs.ref(facts.incident, step.name)

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        job = jobs.ref(ground.incident, step.name).name
        return Described(
            summary=f"run Job {job} from the {said(_template(step), ground.templates)}",
            precondition=f"CronJob {_template(step)} is there, suspended, and allowed by the administrator",
            effect="the Job is complete",
            undo=self.no_way_back,
        )

    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """No consent, or no template."""
        return obstacle(facts.ground) or jobs.refusal(facts, _template(step))

    def moved(self, facts: Facts, step: PlanStep) -> bool:
        """Whether the template says something else by now."""
        return jobs.changed(facts, step)

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """Which version of the template it was."""
        found = lookups.thing(facts, jobs.template(_template(step)))
        return StepObserved(resource_version=found.resource_version if found else "")

    def gone(self, facts: Facts, step: PlanStep) -> str:
        """The template, before the Job was made."""
        made = lookups.thing(facts, jobs.ref(facts.incident, step.name)) is not None
        there = made or step.started_at or lookups.thing(facts, jobs.template(_template(step))) is not None
        return "" if there else f"CronJob {_template(step)} is gone; no Job is made"

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Whether the Job is there."""
        return jobs.state(facts, step.name, _template(step))

    def marked(self, facts: Facts, step: PlanStep) -> bool:
        """A Job that is not there was not made, or was taken away: it has but one name."""
        return False

    def write(self, facts: Facts, step: PlanStep) -> Write:
        """The Job."""
        return jobs.creation(facts, step.name, _template(step))

    def undo(self, facts: Facts, step: PlanStep) -> Write | None:
        """Not at all."""
        return None

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """Complete."""
        return jobs.succeeded(lookups.thing(facts, jobs.ref(facts.incident, step.name)))

    def failure(self, facts: Facts, step: PlanStep) -> Why | None:
        """Failed for good."""
        why = jobs.failure(lookups.thing(facts, jobs.ref(facts.incident, step.name)))
        return (Reason.JOB_FAILED, why) if why else None

    def late(self, facts: Facts, step: PlanStep) -> str:
        """It runs still, or cannot."""
        return f"look at Job {jobs.ref(facts.incident, step.name).name} and its pods"

    def done(self, facts: Facts, step: PlanStep) -> str:
        """Which."""
        return f"Job {jobs.ref(facts.incident, step.name).name} is complete"

    def found(self, facts: Facts, step: PlanStep) -> str:
        """What became of it."""
        return f"Job {jobs.ref(facts.incident, step.name).name} to something else, or took it away"

    def superseded(self, facts: Facts, step: PlanStep) -> bool:
        """A Job that has ended may go."""
        return True


def _template(step: Step | PlanStep) -> str:
    return named_by(step)
