"""What a plan is made from, and the release that it would go back to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from knowngood.api import GROUP, LABEL_MODEL
from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.playbook import Playbook
from knowngood.core.facts import argo
from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.quarantine import quarantined
from knowngood.core.response.knowngood import Choice, Refusal, Situation, candidates, choose, explain

PAUSED_BY = f"{GROUP}/paused-by"
"""On a Deployment: the incident that holds its roll-outs."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made from; ``playbooks`` are those of the namespace, by name."""

    incident: AIIncident
    model: ModelDeployment
    policy: IncidentPolicy | None
    playbooks: Mapping[str, Playbook]
    workload: Workload | None
    container: str
    running: frozenset[str]
    implicated: frozenset[str]
    registries: tuple[str, ...]
    templates: Mapping[str, str] = field(default_factory=dict)  # digests of Job templates by name, as far as read

    @property
    def target_name(self) -> str:
        """The workload as people call it."""
        return target_name(self.model)


def target_name(model: ModelDeployment) -> str:
    """The model's workload as people call it: kind and name."""
    ref = model.spec.workload_ref
    return f"{ref.kind.value} {ref.name}"


def obstacle(ground: Ground) -> Refusal | None:
    """Why the workload must not, or could not, be changed at all."""
    workload, name = ground.workload, ground.model.metadata.name
    if workload is None:
        return Refusal(Reason.WORKLOAD_NOT_FOUND, f"there is no {ground.target_name} to patch")
    if not workload.consents(name):
        return Refusal(
            Reason.CONSENT_MISSING, f"{ground.target_name} lacks its owner's consent; label it {LABEL_MODEL}={name}"
        )
    if workload.elsewhere:
        return Refusal(Reason.NOT_SUPPORTED, argo.no_template(ground.target_name, workload.elsewhere))
    return None


def _paused_by_others(ground: Ground, workload: Workload) -> bool:
    return workload.paused and workload.annotations.get(PAUSED_BY) != ground.incident.metadata.name


def choice_for(ground: Ground) -> Choice:
    """The release to go back to now, or why there is none."""
    refusal = obstacle(ground)
    if refusal is None and ground.workload is not None and _paused_by_others(ground, ground.workload):
        refusal = Refusal(Reason.PAUSED, f"{ground.target_name} is paused and would not roll out; resume it")
    if refusal is not None or ground.workload is None:
        return Choice(None, (refusal,) if refusal else ())
    situation = Situation(
        ground.workload,
        ground.container,
        ground.running,
        ground.implicated,
        ground.registries,
        ground.incident.status.suspect_digest,
        quarantined(ground.model),
    )
    return choose(candidates(ground.model, ground.container), situation)


def refused(choice: Choice) -> tuple[Reason, str]:
    """The first refusal's reason, and all of them as a message."""
    first = choice.refusals[0].reason if choice.refusals else Reason.NOTHING_PROVEN
    return first, explain(choice.refusals)
