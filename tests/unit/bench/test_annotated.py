"""Annotated series are cut into cases as they are said to be."""

import pytest

from bench.peers.annotated import FEWEST, MOST_LEARNT, Case, Score, best, cases, marked, scored


def test_a_change_is_what_two_people_marked_near_each_other() -> None:
    marks = {"a": [100, 300], "b": [104, 500], "c": [301], "d": []}
    assert marked(marks, 500) == [104, 301]


def test_one_person_who_marks_twice_is_one_person() -> None:
    assert marked({"a": [100, 102], "b": []}, 500) == []


def test_cases_learn_judge_and_end_at_the_next_change() -> None:
    values = [float(v) for v in range(400)]
    first, second = cases(values, [300, 350])
    assert (len(first.learnt), first.before[0], first.after[0], len(first.after)) == (MOST_LEARNT, 100.0, 300.0, 50)
    assert (second.learnt[0], len(second.learnt), second.after[-1]) == (300.0, 25, 399.0)


def test_a_change_with_too_few_windows_before_or_after_is_no_case() -> None:
    values = [0.0] * 100
    assert cases(values, [FEWEST, 98]) == []


def test_an_alarm_before_the_change_is_false_and_finds_nothing() -> None:
    given = [Case([0.0], [0.0] * 3, [1.0] * 5)] * 3
    answers = iter([2, 3, None])
    assert scored(given, lambda _: next(answers)) == Score(changes=3, found=1, false=1, delay=1.0)


@pytest.mark.parametrize(("most", "expected"), [(9, 1.0), (2, 2.0), (0, 3.0)])
def test_the_best_finds_most_within_its_false_alarms(most: int, expected: float) -> None:
    scores = {1.0: Score(9, 8, 5, 3.0), 2.0: Score(9, 4, 2, 3.0), 3.0: Score(9, 1, 1, 1.0)}
    assert best(scores, most)[0] == expected, "where none is as quiet as that, the quietest"
