"""Release labels and digests, and the history of what ran."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.facts.workload import PodContainer
from knowngood.core.incidents.releases import MAX_RELEASES, MAX_RUNS, learn, observe, prove, soaked, ties_of
from tests import builders as b

pytestmark = pytest.mark.unit
OLD, NEW = b.pod("old", "good"), b.pod("new", "bad")
PODS = {"old": OLD, "new": NEW}


class TestLearn:
    def test_a_value_is_tied_to_what_first_exports_it(self) -> None:
        assert learn({}, [("1", "old")], PODS, "model") == {"1": b.GOOD}

    def test_a_late_label_never_moves_a_tie(self) -> None:
        """After the roll-out the new release's pods export the old label too: true labels arrive late."""
        seen = [("1", "new"), ("2", "new")]
        assert learn({"1": b.GOOD}, seen, PODS, "model") == {"1": b.GOOD, "2": b.BAD}

    def test_a_late_label_is_not_tied_to_a_release_that_has_one(self) -> None:
        assert learn({"2": b.BAD}, [("1", "new")], PODS, "model") == {"2": b.BAD}

    def test_of_two_new_values_none_is_guessed(self) -> None:
        assert learn({}, [("1", "new"), ("2", "new")], PODS, "model") == {}

    def test_a_value_on_two_digests_is_not_guessed(self) -> None:
        assert learn({}, [("1", "old"), ("1", "new")], PODS, "model") == {}

    @pytest.mark.parametrize(
        "hint",
        [
            {"env": (("RELEASE", "2"),)},
            {"labels": {"app": "digits", "version": "2"}},
            {"containers": (PodContainer("model", f"r/digits:2@{b.BAD}", b.image("bad")),)},
        ],
    )
    def test_the_pods_own_hint_decides(self, hint: dict[str, object]) -> None:
        pods = {"new": b.pod("new", "bad", **hint)}
        assert learn({}, [("1", "new"), ("2", "new")], pods, "model") == {"2": b.BAD}

    def test_the_hint_decides_too_where_late_labels_reach_a_canary_and_the_release_before_it(self) -> None:
        pods = {"old": b.pod("old", "good", env=(("R", "1"),)), "new": b.pod("new", "bad", env=(("R", "2"),))}
        both = [(value, pod) for value in ("1", "2") for pod in pods]
        assert learn({"1": b.GOOD}, both, pods, "model") == {"1": b.GOOD, "2": b.BAD}
        assert learn({}, both, pods, "model") == {"1": b.GOOD, "2": b.BAD}
        assert learn({}, [("3", "old"), ("3", "new")], pods, "model") == {}

    def test_what_kubernetes_numbers_a_pod_by_is_no_hint(self) -> None:
        index = {"apps.kubernetes.io/pod-index": "1", "controller-revision-hash": "1"}
        pods = {"m-0": b.pod("m-0", "good"), "m-1": b.pod("m-1", "bad", labels=index)}
        assert learn({}, [("1", "m-0"), ("1", "m-1")], pods, "model") == {}

    def test_a_pod_that_is_unknown_or_starting_teaches_nothing(self) -> None:
        starting = b.pod("new", containers=(PodContainer("model", b.image("bad"), ""),))
        assert learn({}, [("1", "gone"), ("2", "new")], {"new": starting}, "model") == {}

    def test_a_value_that_no_record_can_hold_is_not_tied(self) -> None:
        assert learn({}, [("x" * 254, "old")], PODS, "model") == {}

    @given(
        st.dictionaries(st.sampled_from("123"), st.sampled_from([b.GOOD, b.BAD, b.FIX])),
        st.lists(st.tuples(st.sampled_from("1234"), st.sampled_from(["old", "new", "gone"]))),
    )
    def test_no_tie_is_ever_moved(self, known: dict[str, str], seen: list[tuple[str, str]]) -> None:
        after = learn(known, seen, PODS, "model")
        assert known.items() <= after.items()
        assert learn(after, seen, PODS, "model") == after


class TestObserve:
    def test_births_and_ends(self) -> None:
        first = observe([], {b.GOOD: []}, {"1": b.GOOD}, b.at(0))
        second = observe(first, {b.BAD: []}, {"1": b.GOOD, "2": b.BAD}, b.at(60))
        assert [(r.digest, r.release) for r in second] == [(b.BAD, "2"), (b.GOOD, "1")]
        assert second[1].ran[0].to == b.at(60)
        assert second[1].last_seen == b.at(60)
        third = observe(second, {b.GOOD: []}, {}, b.at(90))
        assert [(r.from_, r.to) for r in third[1].ran] == [(b.at(0), b.at(60)), (b.at(90), None)]

    def test_nothing_new_changes_nothing(self) -> None:
        first = observe([], {b.GOOD: []}, {"1": b.GOOD}, b.at(0))
        assert observe(first, {b.GOOD: []}, {"1": b.GOOD}, b.at(9_999)) == first

    def test_a_label_that_is_learnt_late_goes_into_the_history(self) -> None:
        first = observe([], {b.GOOD: []}, {}, b.at(0))
        assert ties_of(observe(first, {b.GOOD: []}, {"1": b.GOOD}, b.at(5))) == {"1": b.GOOD}

    def test_the_history_is_bounded_and_keeps_what_is_proven_and_what_runs(self) -> None:
        history = [b.release("proven", proven=0)]
        for number in range(2 * MAX_RELEASES):
            history = observe(history, {b.digest(f"r{number}"): []}, {}, b.at(number))
        digests = [r.digest for r in history]
        assert len(digests) == MAX_RELEASES
        assert digests[0] == b.digest(f"r{2 * MAX_RELEASES - 1}")
        assert digests[-1] == b.digest("proven")

    def test_runs_are_bounded(self) -> None:
        history = observe([], {b.GOOD: []}, {}, b.at(0))
        for number in range(1, 100):
            history = observe(history, {b.GOOD: []} if number % 2 else {}, {}, b.at(number))
        assert len(history[0].ran) <= MAX_RUNS


class TestProve:
    def test_after_its_soak_and_not_before(self) -> None:
        history = [b.release("good")]
        assert prove(history, b.GOOD, 79, 80, b.at(1))[0].proven_at is None
        assert prove(history, b.GOOD, 79, 80, b.at(1))[0].healthy_for == "1m10s"
        assert prove(history, b.GOOD, 80, 80, b.at(1))[0].proven_at == b.at(1)

    def test_few_writes(self) -> None:
        history, written = [b.release("good")], 0
        for second in range(1, 1_000):
            after = prove(history, b.GOOD, second, 800, b.at(second))
            written, history = written + (after != history), after
        assert written == 8

    def test_a_suspect_is_not_proven(self) -> None:
        assert prove([b.release("good", implicated_in="i")], b.GOOD, 99, 80, b.at(1))[0].proven_at is None

    def test_only_the_release_that_was_healthy(self) -> None:
        after = prove([b.release("good"), b.release("bad")], b.GOOD, 99, 80, b.at(1))
        assert [r.proven_at is not None for r in after] == [True, False]

    def test_no_soak_still_needs_to_have_been_healthy(self) -> None:
        assert soaked(0, 0) == 0
        assert soaked(5, 0) == 8
