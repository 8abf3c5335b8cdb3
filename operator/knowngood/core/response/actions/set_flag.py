"""SetFlag: write the value of a flag that the ModelDeployment declares, such as a safe mode or a stricter guardrail.

It writes one key of a ConfigMap, or one variable of the workload, and two annotations of its own.
"""

from typing import ClassVar

from knowngood.api import GROUP
from knowngood.api.conditions import Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import PlanStep, StepObserved
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.facts.things import Ref
from knowngood.core.response import noted
from knowngood.core.response.actions.action import Described
from knowngood.core.response.changing import Changing, State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground
from knowngood.core.response.mutation import Mutation, Verb, target_of
from knowngood.core.response.onworkload import WORKLOAD, WorkloadAction
from knowngood.core.response.places import Place, place

ANNOTATION = f"{GROUP}/flagged-by"
REPLACED = f"{GROUP}/replaced-flags"  # what stood there before, so that admission can tell an undo from an attack
_OWN = (f"metadata.annotations.{ANNOTATION}", f"metadata.annotations.{REPLACED}")


class SetFlag(Changing):
    """A switch of the owner's, thrown."""

    name = ActionName.SET_FLAG
    applied = "FlagSet"
    in_effect = "the flag is set"
    verbs = (Verb("", "configmaps", ("get", "patch")), *WorkloadAction.verbs)
    writes: ClassVar = {
        "ConfigMap": (*_OWN, "data.*"),
        WORKLOAD: (*_OWN, "spec.template.spec.containers.*.env"),
    }

    def needs(self, facts: Facts, step: PlanStep) -> tuple[Ref, ...]:
        """The flag's ConfigMap."""
        return self.writes_to(facts.model, step)

    def writes_to(self, model: ModelDeployment, step: PlanStep) -> tuple[Ref, ...]:
        """The flag's ConfigMap."""
        found = place(model, _name(step))
        return (found.ref,) if found is not None and found.ref is not None else ()

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        found, name = place(ground.model, _name(step), ground.container), _name(step)
        if found is None:
            return Described(
                f"set the flag {name}, which ModelDeployment {ground.model.metadata.name} does not declare"
            )
        return Described(
            summary=f"set the flag {name}: {found} to {found.flag.value!r}",
            precondition=f"{found} still holds what it held when the step began",
            effect=f"{found} holds {found.flag.value!r}",
            undo="the value that stood there before is put back",
        )

    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """A flag that is not declared, or that cannot be written."""
        found = _place(facts, step)
        if found is None:
            have = ", ".join(f.name for f in facts.model.spec.flags) or "none"
            why = f"ModelDeployment {facts.model.metadata.name} declares no flag {_name(step)}; it has {have}"
            return Reason.NOT_DECLARED, f"{why}: write it into spec.flags"
        return found.refusal(facts)

    def nothing_to_do(self, facts: Facts, step: PlanStep) -> Why | None:
        """The flag is set already, by whomever."""
        found = _declared(facts, step)
        if found.value(facts) != found.flag.value:
            return None
        return Reason.ALREADY_SO, f"{found} is {found.flag.value!r} already"

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """The value that stands there."""
        found = _declared(facts, step)
        target = found.target(facts)
        return StepObserved(resource_version=target.resource_version if target else "", value=found.value(facts))

    def gone(self, facts: Facts, step: PlanStep) -> str:
        """The flag, or the object that has it."""
        found = _place(facts, step)
        if found is None:
            return f"the flag {_name(step)} is not declared any more; nothing is changed"
        return "" if found.target(facts) is not None else f"{found} is gone; nothing is left to change"

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Compare the value with the flag's, and with what was seen."""
        found = _declared(facts, step)
        value = found.value(facts)
        if value == found.flag.value:
            return State.THERE
        return State.AS_SEEN if value == _seen(step) else State.CHANGED

    def marked(self, facts: Facts, step: PlanStep) -> bool:
        """By the annotations: who, and that this flag is noted."""
        found = _declared(facts, step)
        marks = found.annotations(facts)
        ours = marks.get(ANNOTATION) == facts.incident.metadata.name
        return ours and found.id in noted.read(marks.get(REPLACED, ""))

    def write(self, facts: Facts, step: PlanStep) -> Mutation:
        """The flag's value, and what it replaces."""
        found = _declared(facts, step)
        before = noted.added(found.annotations(facts).get(REPLACED, ""), {found.id: found.value(facts)})
        return _mutation(found, facts, found.flag.value, {ANNOTATION: facts.incident.metadata.name, REPLACED: before})

    def undo(self, facts: Facts, step: PlanStep) -> Mutation | None:
        """The value that was seen; the annotations go with the last flag that is noted in them."""
        found = _declared(facts, step)
        left = noted.without(found.annotations(facts).get(REPLACED, ""), found.id)
        annotations = {REPLACED: left, **({ANNOTATION: None} if left is None else {})}
        return _mutation(found, facts, _seen(step), annotations)

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """As far as can be seen."""
        return _declared(facts, step).settled(facts)

    def done(self, facts: Facts, step: PlanStep) -> str:
        """With what a person should know about when it takes effect."""
        found = _declared(facts, step)
        return f"{found} is {found.flag.value!r}{found.remark(facts)}"

    def handed_back(self, step: PlanStep) -> frozenset[IncidentPhase]:
        """When it is mended, or was none; who closes it otherwise is told that it stays."""
        return frozenset({IncidentPhase.RESOLVED, IncidentPhase.DISMISSED})

    def covers(self, step: PlanStep) -> bool:
        """The flag may be what makes it healthy."""
        return True

    def found(self, facts: Facts, step: PlanStep) -> str:
        """The value that stands there."""
        found = _declared(facts, step)
        value = found.value(facts)
        return f"{found} to {value!r}" if value is not None else f"{found} to nothing"


def _name(step: Step | PlanStep) -> str:
    return step.set_flag.flag if step.set_flag else ""


def _place(facts: Facts, step: PlanStep) -> Place | None:
    return place(facts.model, _name(step), facts.container)


def _declared(facts: Facts, step: PlanStep) -> Place:
    found = _place(facts, step)
    if found is None:
        raise ValueError(f"no flag {_name(step)}")
    return found


def _seen(step: PlanStep) -> str | None:
    return step.observed.value if step.observed else None


def _mutation(found: Place, facts: Facts, value: str | None, annotations: dict[str, str | None]) -> Mutation:
    target = found.target(facts)
    if target is None:
        raise ValueError(f"{found} is gone")
    return Mutation(target_of(target), {"metadata": {"annotations": annotations}, **found.patch(value)})
