"""A GitOps manager puts back what a step wrote: it is written again a few times, then given up, loudly.

Each revert is answered once. It is told from the one before by the time at which managedFields say that the manager
took the images; that time stands in the record before anything is written again, so that a kill neither loses nor
doubles a write. A writer of anything else in the same object may move that time: then one try fewer is made.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.durations import text
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase
from knowngood.api.plan import PlanStep, StepReverts, StepState
from knowngood.core.facts.gitops import REVERTERS, Keeper, Reverts
from knowngood.core.facts.wording import few
from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.record import stepped, told
from knowngood.core.response import committing, outcome
from knowngood.core.response.facts import Facts
from knowngood.core.response.knowngood import Pin

PAUSES = (10.0, 60.0, 300.0)
"""Seconds before each further write; when these are used up, nothing more is written."""


@dataclass(frozen=True, slots=True)
class Revert:
    """Who put the fields back, when by managedFields, and what a person does about it.

    ``left`` names variables that still are as the step wrote them, beside the old images.
    """

    by: str
    at: str
    advice: str
    left: tuple[str, ...] = ()


def revert_of(workload: Workload, containers: Collection[str], pins: Sequence[Pin]) -> Revert | None:
    """The listed manager that alone holds the images of all ``containers``; None where anybody else holds one."""
    writers = [w for w in workload.image_writers if w.container in containers]
    managers = {w.manager for w in writers}
    if {w.container for w in writers} != set(containers) or len(managers) != 1:
        return None
    kind = REVERTERS.get(managers.pop())
    times = {w.time for w in writers}
    if kind is None or "" in times:
        return None
    keeper = next((k for k in workload.keepers if k.kind == kind), Keeper(kind, "", "", Reverts.PERHAPS))
    return Revert(str(keeper), max(times), committing.advice(keeper, workload, pins))


def due_at(step: PlanStep, revert: Revert) -> datetime | None:
    """When this revert is to be answered by another write; None where it is not in the record yet."""
    known = step.reverts
    return known.due_at if known is not None and known.answered == revert.at else None


def answered(status: AIIncidentStatus, step: PlanStep, revert: Revert, facts: Facts) -> AIIncidentStatus:
    """With the intent of another write, or given up where there were enough."""
    before = step.reverts.written_again if step.reverts else 0
    if before >= len(PAUSES):
        return given_up(status, step, revert, facts)
    pause = PAUSES[before]
    made = StepReverts(
        by=revert.by,
        written_again=before + 1,
        answered=revert.at,
        due_at=facts.now + timedelta(seconds=pause),
    )
    nth = f"in {text(pause)}, {before + 1} of {len(PAUSES)} times"
    why = f"{revert.by} put the old images back; {step.name} ({step.action}) is written again {nth}"
    intent = {"state": StepState.INTENDED, "started_at": None, "finished_at": None, "reverts": made, "message": why}
    status = status.model_copy(update={"phase": IncidentPhase.CONTAINING})
    return _lost(status, step, Reason.REVERTED, intent, f"{why}. {revert.advice}", facts)


def given_up(status: AIIncidentStatus, step: PlanStep, revert: Revert, facts: Facts) -> AIIncidentStatus:
    """The step failed: the manager wins, and the message says what to commit."""
    times = step.reverts.written_again if step.reverts else 0
    again = f" after it was written again {times} times" if times else ""
    why = f"{revert.by} put the old images back{again}; nothing more is written. "
    if revert.left:
        why += f"Variables still as the pin wrote them: {few(revert.left)}; set them back where the old images stay. "
    why += revert.advice
    failed = {"state": StepState.FAILED, "finished_at": facts.now, "message": why}
    status = status.model_copy(update={"phase": IncidentPhase.CONTAINMENT_FAILED})
    return _lost(status, step, Reason.CONTESTED, failed, why, facts)


def forbidden(
    status: AIIncidentStatus, step: PlanStep, revert: Revert, reason: Reason, why: str, facts: Facts
) -> AIIncidentStatus:
    """The step failed, because what was to be written again may not be; what the manager put there stays."""
    status = outcome.failed(status, step, reason, why, facts)
    whole = f"{revert.by} put the old images back; nothing is written again: {why}. {revert.advice}"
    return outcome.contest(status, ConditionStatus.TRUE, reason, whole, facts)


def _lost(
    status: AIIncidentStatus, step: PlanStep, reason: Reason, changes: Mapping[str, Any], whole: str, facts: Facts
) -> AIIncidentStatus:
    """The step with its ``changes``; it contains no more, and ``whole`` says what to commit."""
    why = changes["message"]
    status = told(stepped(status, step.name, {**changes, "reason": reason.value}), facts.now, reason, why)
    status = outcome.unjudged(status, "the old images run again", facts)
    status = outcome.contest(status, ConditionStatus.TRUE, reason, whole, facts)
    return outcome.condition(status, ConditionStatus.FALSE, reason, why, facts)
