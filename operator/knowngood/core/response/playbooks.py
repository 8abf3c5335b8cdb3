"""Which response and which playbook an incident calls for."""

from knowngood.api.common import IncidentType, Mode, Origin, Severity
from knowngood.api.incidentpolicy import IncidentPolicy, Response
from knowngood.api.plan import Rung
from knowngood.api.playbook import Playbook, Step
from knowngood.api.steps import ActionName

WITHOUT_CONTAINMENT = (
    (Rung.CONTAIN, Step(name="evidence", action=ActionName.FREEZE_EVIDENCE)),
    (Rung.CONTAIN, Step(name="tell", action=ActionName.NOTIFY)),
)
"""What is done where no playbook says more: evidence is kept, and it is told."""


SUPPORTED = frozenset(
    {
        ActionName.FREEZE_EVIDENCE,
        ActionName.PIN_KNOWN_GOOD,
        ActionName.REROUTE_TRAFFIC,
        ActionName.ISOLATE,
        ActionName.SCALE_TO_ZERO,
        ActionName.SET_FLAG,
        ActionName.PAUSE_ROLLOUT,
        ActionName.QUARANTINE_DIGEST,
        ActionName.RUN_JOB,
        ActionName.GATE,
        ActionName.NOTIFY,
    }
)
"""The actions that have code; a test holds it against the registry."""


def steps_of(playbook: Playbook) -> tuple[tuple[Rung, Step], ...]:
    """The steps of both rungs, in order."""
    spec = playbook.spec
    later = spec.escalate.steps if spec.escalate else []
    return (*((Rung.CONTAIN, s) for s in spec.contain), *((Rung.ESCALATE, s) for s in later))


def unheeded(playbook: Playbook) -> list[str]:
    """What the playbook asks for and this version does not do, as sentences."""
    spec = playbook.spec
    steps = [
        f"step {step.name}: this version has no action {step.action.value}; the step is skipped"
        for _, step in steps_of(playbook)
        if step.action not in SUPPORTED
    ]
    blocks = {"spec.recover": spec.recover, "spec.review": spec.review}
    rest = [f"{field}: not supported by this version and not heeded" for field, block in blocks.items() if block]
    return steps + rest


def matching(policy: IncidentPolicy, type: IncidentType, severity: Severity, origin: Origin) -> Response | None:
    """The first response that matches; what is absent in it matches everything."""
    for response in policy.spec.responses:
        if response.types and type not in response.types:
            continue
        if response.min_severity is not None and severity.rank < response.min_severity.rank:
            continue
        if not response.origins or origin in response.origins:
            return response
    return None


_OBSERVED = frozenset({Origin.SIGNAL, Origin.INTEGRITY})
REPORTED = frozenset({Origin.USER, Origin.ALERTMANAGER, Origin.CLOUD_EVENT})
"""Origins whose word a signal may bear out; a drill stays a drill."""


def mode_of(response: Response, origin: Origin) -> Mode:
    """How the response acts: what a person or an alert reported is approved first, unless its origin is named."""
    if response.mode is Mode.AUTOMATIC and origin not in _OBSERVED and origin not in response.origins:
        return Mode.APPROVAL
    return response.mode
