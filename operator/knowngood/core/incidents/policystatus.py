"""An IncidentPolicy's and a Playbook's own Ready: what cannot be done is named, and the rest goes on."""

from collections.abc import Collection, Sequence
from datetime import datetime

from knowngood.api.conditions import Condition, ConditionStatus, ConditionType, Reason, set_condition
from knowngood.api.incidentpolicy import IncidentPolicy, IncidentPolicyStatus
from knowngood.core.incidents.falsealarms import expected
from knowngood.core.incidents.record import clipped
from knowngood.core.signals.compiled import CompiledPolicy, Problem

Said = tuple[ConditionStatus, str, str]


def policy_status(
    policy: IncidentPolicy,
    compiled: CompiledPolicy,
    models: int,
    playbooks: Collection[str],
    sources: Collection[str],
    source: Said,
    now: datetime,
    kept: Said | None = None,
) -> IncidentPolicyStatus:
    """The status that these facts make.

    ``playbooks`` and ``sources`` are the names that there are; ``kept`` says whether what the signals remember is
    kept, None where they remember nothing.
    """
    generation = policy.metadata.generation
    conditions = list(policy.status.conditions)
    problems = [*compiled.problems, *missing_source(policy, sources), *missing_playbooks(policy, playbooks)]
    ready = _ready(problems, models)
    conditions = set_condition(conditions, ConditionType.READY, *ready, generation, now)
    conditions = set_condition(conditions, ConditionType.SIGNALS_AVAILABLE, *source, generation, now)
    if kept is None:
        conditions = [c for c in conditions if c.type != ConditionType.STATE_KEPT]
    else:
        value, reason, message = kept
        conditions = set_condition(
            conditions, ConditionType.STATE_KEPT, value, reason, clipped(message), generation, now
        )
    return IncidentPolicyStatus(
        observed_generation=generation,
        models=models,
        signals=len(compiled.signals),
        expected_false_alarms=expected(compiled.signals, models),
        conditions=conditions,
    )


def missing_source(policy: IncidentPolicy, sources: Collection[str]) -> list[Problem]:
    """The source, where the administrator named none like it."""
    name = policy.spec.source_ref.name
    if name in sources:
        return []
    have = ", ".join(sorted(sources)) or "none"
    why = f"the administrator named no source {name}; write one of {have}"
    return [Problem(Reason.SOURCE_NOT_FOUND, "spec.sourceRef.name", why)]


def missing_playbooks(policy: IncidentPolicy, playbooks: Collection[str]) -> list[Problem]:
    """Responses whose playbook the namespace does not have."""
    have = f", or write one of {', '.join(sorted(playbooks))}" if playbooks else ""
    return [
        Problem(
            Reason.PLAYBOOK_NOT_FOUND,
            f"spec.responses[{response.name}].playbookRef.name",
            f"there is no Playbook {response.playbook_ref.name} in this namespace; apply it (the shipped ones are in "
            f"manifests/playbooks){have}",
        )
        for response in policy.spec.responses
        if response.playbook_ref.name not in playbooks
    ]


def _ready(problems: Sequence[Problem], models: int) -> Said:
    if problems:
        return ConditionStatus.FALSE, problems[0].reason.value, clipped("; ".join(map(str, problems)))
    if not models:
        return ConditionStatus.TRUE, Reason.NO_MODELS.value, "spec.selector selects no ModelDeployment"
    return (
        ConditionStatus.TRUE,
        Reason.VALID.value,
        "every signal can be asked for; each model's status says what it is judged to be",
    )


def ready_condition(
    conditions: Sequence[Condition], problems: Sequence[str], generation: int, now: datetime
) -> list[Condition]:
    """A Playbook's Ready: ``problems`` are sentences on what this version cannot do."""
    if problems:
        said: Said = (ConditionStatus.FALSE, Reason.NOT_SUPPORTED.value, clipped("; ".join(problems)))
    else:
        said = (ConditionStatus.TRUE, Reason.VALID.value, "every step can be done")
    return set_condition(conditions, ConditionType.READY, *said, generation, now)
