"""An object that a step is about to change: there, readable, and its owner consents; or why not."""

from knowngood.api import LABEL_MODEL
from knowngood.api.conditions import Reason
from knowngood.core.facts.things import Ref, Thing
from knowngood.core.response.changing import Why
from knowngood.core.response.facts import Facts


def thing(facts: Facts, ref: Ref) -> Thing | None:
    """The object as it was read; None where it is not there, or was not read."""
    found = facts.look(ref)
    return found.thing if found else None


def refusal(facts: Facts, ref: Ref) -> Why | None:
    """Why the object cannot be changed at all."""
    found, name = facts.look(ref), facts.model.metadata.name
    if found is not None and found.problem:
        return Reason.CANNOT_READ, found.problem
    if found is None or found.thing is None:
        return Reason.OBJECT_NOT_FOUND, f"there is no {ref} in this namespace; make it"
    if not found.thing.consents(name):
        return Reason.CONSENT_MISSING, f"{ref} lacks its owner's consent; label it {LABEL_MODEL}={name}"
    return None
