"""QuarantineDigest: the suspect's image may not be rolled out again, by digest or by any tag.

It writes the digest into the ModelDeployment's status; an admission policy reads it there and refuses it for the
workload, whoever rolls it out. A person lifts it in spec.quarantine.lift; the operator cannot.
"""

from typing import ClassVar

from knowngood.api import GROUP, MODEL_DEPLOYMENTS
from knowngood.api.conditions import Reason
from knowngood.api.modelstatus import Quarantined
from knowngood.api.plan import PlanStep, StepObserved
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.facts.images import parse_image
from knowngood.core.incidents.quarantine import kept, lifted, quarantined
from knowngood.core.response.actions.action import Described
from knowngood.core.response.changing import Changing, State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground, obstacle
from knowngood.core.response.mutation import Mutation, Target, Verb

MOST = 16


class QuarantineDigest(Changing):
    """Nobody rolls it out again by mistake."""

    name = ActionName.QUARANTINE_DIGEST
    default_timeout = "1m"
    applied = "Quarantined"
    in_effect = "the suspect is in quarantine"
    no_way_back = "a quarantine is lifted by a person alone: write the digest into spec.quarantine.lift"
    verbs = (Verb(GROUP, f"{MODEL_DEPLOYMENTS}/status", ("patch",)),)
    writes: ClassVar = {"ModelDeployment": ("status.quarantined",)}

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        digest = ground.incident.status.suspect_digest or "the suspect's digest"
        return Described(
            summary=f"refuse {digest}, and every tag, for {ground.target_name}",
            precondition="the suspect's digest is known, and spec.knownGood does not pin it",
            effect="who rolls it out is refused, with what to do instead",
            undo="a person lifts it in spec.quarantine.lift",
        )

    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """No consent, no digest, or one that a person pins."""
        if (refusal := obstacle(facts.ground)) is not None:
            return refusal
        digest = facts.incident.status.suspect_digest
        if not digest:
            return Reason.SUSPECT_GONE, "which digest ran when it broke is not known, so that none is refused"
        pinned = facts.model.spec.known_good.containers if facts.model.spec.known_good else []
        if any(parse_image(c.image).digest == digest for c in pinned):
            why = f"spec.knownGood pins the suspect {digest}; take it out there first"
            return Reason.IMPLICATED, why
        if len(kept(facts.model)) >= MOST:
            return Reason.TOO_LARGE, f"{MOST} digests are in quarantine, and no more fit; lift some that are history"
        return None

    def nothing_to_do(self, facts: Facts, step: PlanStep) -> Why | None:
        """It is there already, or a person has lifted it."""
        digest = facts.incident.status.suspect_digest
        if digest in quarantined(facts.model):
            return Reason.ALREADY_SO, f"{digest} is in quarantine already"
        if digest in lifted(facts.model):
            return Reason.ALREADY_SO, f"a person lifted the quarantine of {digest} in spec.quarantine.lift"
        return None

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """Which digest it is about, whatever is suspected later."""
        return StepObserved(
            resource_version=facts.model.metadata.resource_version, value=facts.incident.status.suspect_digest
        )

    def gone(self, facts: Facts, step: PlanStep) -> str:
        """The ModelDeployment is there, or there would be no step."""
        return ""

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Whether it is in quarantine, or was let out by a person."""
        digest = _seen(step)
        if digest in quarantined(facts.model):
            return State.THERE
        return State.CHANGED if digest in lifted(facts.model) else State.AS_SEEN

    def marked(self, facts: Facts, step: PlanStep) -> bool:
        """Nobody else writes the status, so that what is not there was never written."""
        return False

    def write(self, facts: Facts, step: PlanStep) -> Mutation:
        """The digest, beside those that are there."""
        name = facts.incident.metadata.name
        entry = Quarantined(digest=_seen(step), incident=name, since=step.intended_at or facts.now)
        entries = [q.to_object() for q in (*kept(facts.model), entry)]
        meta = facts.model.metadata
        target = Target(
            facts.model.api_version, "ModelDeployment", meta.namespace, meta.name, meta.uid, meta.resource_version
        )
        return Mutation(target, {"status": {"quarantined": entries}}, "status")

    def undo(self, facts: Facts, step: PlanStep) -> Mutation | None:
        """Not by the operator."""
        return None

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """At once."""
        return True

    def done(self, facts: Facts, step: PlanStep) -> str:
        """With how to let it out."""
        return f"{_seen(step)} and every tag are refused until a person lifts that in spec.quarantine.lift"

    def found(self, facts: Facts, step: PlanStep) -> str:
        """What became of it."""
        return f"{_seen(step)} free in spec.quarantine.lift"


def _seen(step: PlanStep) -> str:
    return (step.observed.value if step.observed else None) or ""
