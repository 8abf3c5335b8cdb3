"""Openings against incidents that are known."""

from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.backtest.openings import Fired, Opening
from knowngood.core.backtest.score import Known, Outcome, score


def opening(at: float, end: float | None = None, model: str = "digits") -> Opening:
    return Opening(model, "ModelFailure", "High", at, end, "2", (Fired("accuracy", at, "BelowThreshold", "0.5", ""),))


def test_the_delay_is_to_the_first_opening_after_the_start() -> None:
    found = score([opening(130, 200)], [Known(100)])
    assert [f.outcome for f in found.found] == [Outcome.FOUND]
    assert found.mean_delay == 30
    assert found.false_alarms == ()


def test_what_nothing_explains_is_a_false_alarm() -> None:
    found = score([opening(50, 60), opening(130, 200)], [Known(100)])
    assert [o.at for o in found.false_alarms] == [50]


def test_without_an_end_an_incident_explains_one_opening() -> None:
    found = score([opening(130, 200), opening(900, 950)], [Known(100)])
    assert [o.at for o in found.false_alarms] == [900]


def test_with_an_end_it_explains_all_until_then() -> None:
    found = score([opening(130, 140), opening(180, 190), opening(900)], [Known(100, 200)])
    assert [o.at for o in found.found[0].openings] == [130, 180]
    assert [o.at for o in found.false_alarms] == [900]


def test_the_next_incident_ends_one_that_has_no_end() -> None:
    found = score([opening(500)], [Known(100), Known(500)])
    assert [f.outcome for f in found.found] == [Outcome.MISSED, Outcome.FOUND]


def test_what_was_open_before_hides_what_comes() -> None:
    found = score([opening(50, 300)], [Known(100, 200)])
    assert found.found[0].outcome is Outcome.ALREADY_OPEN
    assert found.mean_delay is None
    assert len(found.false_alarms) == 1, "it was no foresight"


def test_models_are_told_apart_where_an_incident_names_one() -> None:
    found = score([opening(110, model="other"), opening(130)], [Known(100, model="digits")])
    assert found.mean_delay == 30
    assert [o.model for o in found.false_alarms] == ["other"]


def test_an_incident_of_any_model_explains_the_first_opening_of_each() -> None:
    found = score([opening(110, model="other"), opening(130), opening(150, model="other")], [Known(100)])
    assert [o.at for o in found.false_alarms] == [150]


TIMES = st.integers(0, 50).map(float)
OPENINGS = st.lists(st.tuples(TIMES, st.sampled_from(["a", "b"])), max_size=8).map(
    lambda found: [opening(at, at + 1, model) for at, model in sorted(found)]
)
KNOWN = st.lists(
    st.builds(
        lambda start, length, model: Known(start, None if length is None else start + length, model),
        TIMES,
        st.none() | TIMES,
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=4,
)


@given(OPENINGS, KNOWN)
def test_every_opening_is_counted_once(openings: list[Opening], known: list[Known]) -> None:
    found = score(openings, known)
    explained = [o for f in found.found for o in f.openings]
    assert sorted(id(o) for o in (*explained, *found.false_alarms)) == sorted(map(id, openings))
    assert len(found.found) == len(known)
    assert all(f.delay is None or f.delay >= 0 for f in found.found)
    assert all((f.outcome is Outcome.FOUND) == bool(f.openings) for f in found.found)
