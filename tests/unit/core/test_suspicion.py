"""What incidents say of releases, and whose word on an incident that is over counts."""

from typing import Any

import pytest

from knowngood.api.aiincident import AIIncident, DispositionVerdict
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.core.incidents.decisions import heard, judged, unheard
from knowngood.core.incidents.suspicion import suspicions, ties_told
from tests import builders as b

pytestmark = pytest.mark.unit
FALSE, TRUE, BENIGN = "FalsePositive", "TruePositive", "BenignPositive"


def ended(verdict: str | None = None, phase: str = "Closed", **status: Any) -> AIIncident:
    """An incident of the bad release that is over; and what a person wrote into it since."""
    written = {} if verdict is None else {"disposition": {"verdict": verdict, "by": "mallory"}}
    made = {"phase": phase, "suspect": {"digest": b.BAD, "release": "2"}, "openedAt": b.START.isoformat(), **status}
    return b.incident(made, **written)


def followed(incident: AIIncident, unguarded: str = "", after: float = 100, verdict: str | None = None) -> AIIncident:
    """The incident once the operator has looked; ``verdict`` is what a person writes next."""
    status = heard(incident.status, incident.spec.disposition, unguarded, b.at(after))
    if verdict is None:
        return incident.model_copy(update={"status": status})
    return b.incident(status.to_object(), disposition={"verdict": verdict, "by": "alice"})


def blameless(incident: AIIncident) -> bool:
    (found,) = suspicions([incident])
    assert found.digest == b.BAD
    return found.blameless


@pytest.mark.parametrize("verdict", [FALSE, BENIGN])
def test_a_word_that_nobody_guarded_acquits_no_release(verdict: str) -> None:
    written = ended(verdict)
    assert not blameless(written), "it stands in spec, and nobody has asked the guard"
    unguarded = followed(written, "the policy is missing")
    assert not blameless(unguarded)
    assert not unheard(unguarded)
    assert not blameless(followed(unguarded)), "nor does it begin to count when somebody guards"


@pytest.mark.parametrize(("verdict", "acquits"), [(FALSE, True), (BENIGN, True), (TRUE, False)])
def test_a_word_that_was_guarded_is_recorded_and_counts(verdict: str, acquits: bool) -> None:
    written = ended(verdict)
    assert unheard(written)
    after = followed(written)
    assert blameless(after) is acquits
    assert judged(after.status) is DispositionVerdict(verdict)
    assert [e.message for e in after.status.timeline] == [f"mallory: {verdict}"]
    assert not unheard(after)
    assert followed(after).status is after.status


def test_the_last_guarded_word_counts_and_no_other() -> None:
    incident = followed(ended(TRUE), verdict=FALSE)
    assert not blameless(incident), "not yet"
    incident = followed(incident, verdict=TRUE)
    assert blameless(incident), "what is written now was not heard"
    assert blameless(followed(incident, "the policy is missing"))
    assert not blameless(followed(incident))


@pytest.mark.parametrize("phase", [p for p in IncidentPhase if p.value not in {"Closed", "Resolved"}])
def test_an_open_incidents_word_is_for_its_own_decisions(phase: IncidentPhase) -> None:
    over = phase in {IncidentPhase.DISMISSED, IncidentPhase.SELF_RECOVERED}
    assert unheard(ended(TRUE, phase.value)) is over


@pytest.mark.parametrize("phase", [IncidentPhase.DISMISSED, IncidentPhase.SELF_RECOVERED])
def test_what_was_dismissed_or_passed_blames_nobody(phase: IncidentPhase) -> None:
    assert blameless(ended(phase=phase.value))


SIGNAL = {"name": b.SIGNAL, "policy": b.POLICY, "type": "ModelFailure", "severity": "High", "verdict": "Breach"}


def test_a_suspects_label_is_remembered_where_a_label_it_is() -> None:
    incident = ended(signals=[{**SIGNAL, "release": "2"}])
    assert ties_told([incident], {(b.POLICY, b.SIGNAL)}) == {"2": b.BAD}
    assert ties_told([incident], {(b.POLICY, "other")}) == {}, "the name of a pod, perhaps"
    assert ties_told([ended(signals=[{**SIGNAL, "release": "3"}])], {(b.POLICY, b.SIGNAL)}) == {}
    assert ties_told([b.incident()], {(b.POLICY, b.SIGNAL)}) == {}
