"""Which release a pod ran, by what it exported."""

from hypothesis import given
from hypothesis import strategies as st

from knowngood.shell.replay.roster import Roster


def roster(*moments: set[tuple[str, str]]) -> Roster:
    made = Roster()
    for seen in moments:
        made.see(seen)
    return made


def test_a_pod_is_of_the_release_that_it_brought_along() -> None:
    assert roster({("1", "a")}, {("1", "a"), ("2", "b")}).pods == {"a": ("1",), "b": ("2",)}


def test_labels_that_arrive_late_change_nothing() -> None:
    assert roster({("1", "a")}, {("2", "b")}, {("2", "b"), ("1", "b")}).pods == {"b": ("2",)}


def test_nor_does_a_label_of_before_the_history() -> None:
    assert roster({("2", "b")}, {("2", "b"), ("1", "b")}).pods == {"b": ("2",)}


def test_a_new_release_may_first_export_what_arrives_late_for_the_one_before() -> None:
    seen = roster({("1", "a")}, {("1", "a"), ("1", "b")}, {("1", "a"), ("1", "b"), ("2", "b")})
    assert seen.pods == {"a": ("1",), "b": ("2",)}


def test_a_rollback_runs_what_ran_before() -> None:
    seen = roster({("1", "a")}, {("2", "b")}, {("1", "c")}, {("1", "c"), ("2", "c")})
    assert seen.pods == {"c": ("1",)}


def test_a_pod_of_the_same_name_may_run_another_release() -> None:
    assert roster({("1", "x-0")}, {("2", "x-0")}).pods == {"x-0": ("2",)}
    assert roster({("1", "x-0")}, {("2", "x-0")}, {("1", "x-0")}).pods == {"x-0": ("1",)}


def test_of_labels_that_come_at_once_nothing_tells_which_runs() -> None:
    assert roster({("1", "a"), ("2", "a")}).pods == {"a": ("1", "2")}


def test_where_nothing_is_exported_all_stays() -> None:
    made = roster({("1", "a")})
    assert not made.see(set())
    assert made.pods == {"a": ("1",)}


def test_without_pods_each_release_stands_for_one() -> None:
    made = roster({("1", "")}, {("1", ""), ("2", "")})
    assert made.pods == {"1": ("1",), "2": ("2",)}
    assert made.podless == {"1", "2"}


def test_without_release_labels_pods_of_a_replica_set_are_alike() -> None:
    seen = roster({("", "digits-5d4f8c7b9-abcde"), ("", "digits-5d4f8c7b9-fghij"), ("", "digits-66b9c5d7f8-klmno")})
    assert len(set(seen.pods.values())) == 2
    assert roster({("", "digits-0"), ("", "digits-1")}).pods == {"digits-0": ("",), "digits-1": ("",)}


def test_pods_that_one_signal_names_and_another_labels_are_one() -> None:
    assert roster({("1", "a"), ("", "a")}).pods == {"a": ("1",)}
    assert roster({("1", ""), ("", "a")}).pods == {"1": ("1",)}


SIGHTINGS = st.sets(st.tuples(st.sampled_from(["", "1", "2", "3"]), st.sampled_from(["", "a", "b"])), max_size=6)


@given(st.lists(SIGHTINGS, max_size=8))
def test_says_of_every_pod_a_release_that_it_exports(moments: list[set[tuple[str, str]]]) -> None:
    made = Roster()
    for seen in moments:
        before = dict(made.pods)
        changed = made.see(seen)
        assert changed == (before != made.pods)
        assert not made.see(seen), "the same again changes nothing"
        for pod, release in made.pods.items() if seen else ():
            named = {label for label, where in seen if where == pod or (not where and label == pod)}
            assert not any(named) or set(release) & named
