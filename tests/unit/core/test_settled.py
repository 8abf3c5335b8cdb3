"""What a person settled stays settled for as long as the same breach lasts, whoever looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.aiincident import AIIncident
from knowngood.api.incidentstatus import Actor, IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.core.incidents.opening import SignalView, first_status
from knowngood.core.incidents.record import told
from knowngood.core.incidents.settled import passed, unsettled
from knowngood.shell.board import Board
from tests import builders as b

pytestmark = pytest.mark.unit
BY_WORD = [IncidentPhase.DISMISSED, IncidentPhase.CLOSED]


def named(name: str, verdict: Verdict = Verdict.BREACH, since: float = 0, running: str = "bad") -> SignalView:
    return b.view(verdict, running, since, of=b.compiled({"name": name}))


def ended(*found: SignalView, phase: IncidentPhase = IncidentPhase.CLOSED) -> AIIncident:
    """An incident of these breaches that a person ended a minute after the start."""
    status = first_status(b.model(), b.incident(), 1, list(found), b.pods(), b.CONTAINER, b.at(10))
    status = told(status, b.at(60), "Closed", "closed by alice", Actor.PERSON)
    return b.incident(status.model_copy(update={"phase": phase}).to_object())


def followed(incident: AIIncident, *views: SignalView) -> AIIncident:
    """The incident once the operator has seen these."""
    return b.incident(passed(incident, b.views(*views)).to_object())


@pytest.mark.parametrize("phase", BY_WORD)
def test_the_same_breach_opens_no_other_incident(phase: IncidentPhase) -> None:
    seen, other = named("accuracy"), named("latency")
    incident = ended(seen, phase=phase)
    assert unsettled([seen], [incident]) == []
    assert unsettled([seen, other], [incident]) == [other], "what the person did not see is not settled"
    elsewhere = named("accuracy", running="fix")
    assert unsettled([elsewhere], [incident]) == [elsewhere], "another release is another matter"


@pytest.mark.parametrize("phase", BY_WORD)
def test_a_process_that_begins_anew_knows_of_it(phase: IncidentPhase) -> None:
    """For it the breach begins when it first looks, perhaps after it had to see less for a while."""
    incident = ended(named("accuracy"), phase=phase)
    for verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR):
        incident = followed(incident, named("accuracy", verdict, since=100))
    assert unsettled([named("accuracy", since=130)], [incident]) == []


@pytest.mark.parametrize("phase", BY_WORD)
def test_what_has_passed_and_comes_back_is_another_breach(phase: IncidentPhase) -> None:
    board, signal = Board().of((b.NAMESPACE, b.MODEL)), b.compiled({"name": "accuracy"})
    incident = ended(named("accuracy"), phase=phase)
    for second, verdict in ((50, Verdict.HEALTHY), (55, Verdict.BREACH), (100, Verdict.BREACH)):
        board.record(signal, b.judged(verdict), b.at(second))
        assert unsettled([board.views[b.POLICY, "accuracy"]], [incident]) == [], "healthy only before the end"
    board.record(signal, b.judged(Verdict.HEALTHY), b.at(120))
    assert followed(incident, *board.views.values()).status.signals[0].verdict is Verdict.HEALTHY
    board.record(signal, b.judged(Verdict.BREACH), b.at(125))
    (again,) = board.views.values()
    assert unsettled([again], [incident]) == [again], "though nobody could write that it had passed"
    incident = followed(incident, again)
    assert incident.status.signals[0].last_breach_at == b.at(120)
    fresh = named("accuracy", since=200)
    assert unsettled([fresh], [incident]) == [fresh], "and another process knows it too"


def test_a_breach_that_is_of_no_release_is_the_same_one() -> None:
    incident = ended(named("accuracy"))
    gone = b.view(digest="", release=None, of=b.compiled({"name": "accuracy"}))
    assert unsettled([gone], [incident]) == []


@pytest.mark.parametrize("phase", [p for p in IncidentPhase if p not in BY_WORD])
def test_what_no_person_ended_settles_nothing_and_is_not_followed(phase: IncidentPhase) -> None:
    seen = named("accuracy")
    incident = ended(seen, phase=phase)
    assert unsettled([seen], [incident]) == [seen]
    board = Board().of((b.NAMESPACE, b.MODEL))
    board.record(seen.signal, b.judged(Verdict.HEALTHY), b.at(120))
    assert passed(incident, board.views) is incident.status


VERDICTS = st.lists(st.sampled_from([*Verdict, None]), min_size=1, max_size=12)


@given(VERDICTS)
def test_only_health_ends_it_however_often_the_process_begins_anew(verdicts: list[Verdict | None]) -> None:
    """None is a restart: the board is lost, the incident is not."""
    signal, board, incident = (
        b.compiled({"name": "accuracy"}),
        Board().of((b.NAMESPACE, b.MODEL)),
        ended(named("accuracy")),
    )
    healthy = False
    for second, verdict in enumerate(verdicts, 100):
        if verdict is None:
            board = Board().of((b.NAMESPACE, b.MODEL))
            continue
        board.record(signal, b.judged(verdict), b.at(second))
        healthy = healthy or verdict is Verdict.HEALTHY
        incident = followed(incident, *board.views.values())
        breach = [v for v in board.views.values() if verdict is Verdict.BREACH]
        assert unsettled(breach, [incident]) == (breach if healthy else [])
