"""What a playbook's name means: its steps, until playbooks are resources."""

from dataclasses import dataclass

from knowngood.api.common import IncidentType, Mode, Origin, Severity
from knowngood.api.incidentpolicy import IncidentPolicy, Response

FREEZE_EVIDENCE, PIN_KNOWN_GOOD, NOTIFY = "FreezeEvidence", "PinKnownGood", "Notify"


@dataclass(frozen=True, slots=True)
class StepPlan:
    """A step of a playbook; ``timeout`` is a duration."""

    name: str
    action: str
    timeout: str


_EVIDENCE = StepPlan("evidence", FREEZE_EVIDENCE, "2s")
_TELL = StepPlan("tell", NOTIFY, "1m")
_BUILT_IN = {
    "pin-known-good": (_EVIDENCE, StepPlan("pin", PIN_KNOWN_GOOD, "5m"), _TELL),
}
WITHOUT_CONTAINMENT = (_EVIDENCE, _TELL)


def steps_of(playbook: str) -> tuple[StepPlan, ...] | None:
    """The steps of a built-in playbook, or None where there is none of that name."""
    return _BUILT_IN.get(playbook)


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


def mode_of(response: Response, origin: Origin) -> Mode:
    """How the response acts: what a person or an alert reported is approved first, unless its origin is named."""
    if response.mode is Mode.AUTOMATIC and origin not in _OBSERVED and origin not in response.origins:
        return Mode.APPROVAL
    return response.mode
