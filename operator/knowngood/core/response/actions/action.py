"""What every action is: a name, the rights that it needs, how it shows in a plan, and its two moves."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import PlanStep
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.facts.things import Ref
from knowngood.core.response.effects import Effect
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground
from knowngood.core.response.mutation import Verb


@dataclass(frozen=True, slots=True)
class Described:
    """A step as a plan shows it to whoever approves it."""

    summary: str
    precondition: str = ""
    effect: str = ""
    undo: str = ""


class Action(ABC):
    """Decides from facts alone; the shell does what it decides."""

    name: ClassVar[ActionName]
    verbs: ClassVar[tuple[Verb, ...]] = ()
    contains: ClassVar[bool] = False  # whether it changes the cluster, so that approval, limits and DryRun hold it
    default_timeout: ClassVar[str] = "1m"

    def needs(self, facts: Facts, step: PlanStep) -> tuple[Ref, ...]:
        """What has to be read before it can decide, beside the workload and its pods."""
        return ()

    def writes_to(self, model: ModelDeployment, step: PlanStep) -> tuple[Ref, ...]:
        """The objects beside the workload that a step under way may be about to patch."""
        return ()

    def unread(self, facts: Facts, step: PlanStep) -> bool:
        """Whether something that it decides on was not looked for yet."""
        return any(facts.look(ref) is None for ref in self.needs(facts, step))

    def usual_timeout(self, step: Step) -> str:
        """How long the step may take where it does not say so."""
        return self.default_timeout

    def asks(self, facts: Facts, step: PlanStep) -> tuple[str, ...]:
        """Which queries have to be answered before it can decide; each keeps within the namespace."""
        return ()

    @abstractmethod
    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan that is made from ``ground``."""

    @abstractmethod
    def begin(self, facts: Facts, step: PlanStep) -> Effect:
        """Write the step's intent, or why it cannot begin; that is asked again at every look."""

    @abstractmethod
    def advance(self, facts: Facts, step: PlanStep) -> Effect:
        """Take the intended step further."""
