"""Whole windows, each once; learning from healthy traffic alone; a model or a detector that fails spoils no other."""

import math
from dataclasses import replace
from typing import Any

import pytest

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.incidents.judge import Judged
from knowngood.core.signals.answer import DataState, failed
from knowngood.core.signals.compiled import Problem
from tests import builders as b
from tests.loop import INTERVAL, MODEL, START, WINDOW, Loop, Source, Sums, raw_model, raw_pod, raw_policy, steady

pytestmark = pytest.mark.unit
NEEDED = 20
LEARNED = START + (NEEDED + 4) * WINDOW
OTHER = b.signal(name="other", ratio={"good": "good_total", "total": "other_total", "window": "20s"})


def collapsing(at: float, to: float = 0.2) -> Any:
    """Healthy until ``at``."""
    return lambda model, release, end: to if end > at else steady(model, release, end)


async def learned(source: Source | None = None, **more: Any) -> Loop:
    """A loop whose baseline has just become whole."""
    loop = Loop(source or Source(steady), **more)
    await loop.run(START, LEARNED)
    return loop


async def test_each_aligned_window_is_asked_for_once() -> None:
    loop = Loop(Source(steady))
    await loop.run(START + 3, START + 203)
    ends = [at for text, at, _ in loop.source.asked if not text.startswith("group")]
    assert ends == [START + number * WINDOW for number in range(-1, 10)], "multiples of the window, one poll late"
    assert [end for end, number in loop.sums.calls if number] == ends


async def test_between_windows_the_last_judgement_stays() -> None:
    loop = await learned()
    assert loop.said.verdict is Verdict.HEALTHY
    asked, before = len(loop.source.asked), loop.model.judged[(b.POLICY, b.SIGNAL)]
    await loop.tick(LEARNED + INTERVAL)  # the window was judged at this tick
    after = len(loop.source.asked)
    for number in range(2, 4):
        await loop.tick(LEARNED + number * INTERVAL)
    assert len(loop.source.asked) == after == asked + 1
    assert loop.model.judged[(b.POLICY, b.SIGNAL)] != before


async def test_learns_until_needed_and_then_is_frozen() -> None:
    loop = Loop(Source(steady))
    await loop.run(START, START + 10 * WINDOW)
    assert (loop.said.verdict, loop.said.reason) == (Verdict.INCONCLUSIVE, Reason.LEARNING)
    await loop.run(START + 10 * WINDOW, LEARNED)
    lesson = loop.lessons.of(MODEL, loop.signal)
    (found,) = lesson.baselines.values()
    assert found.windows == NEEDED
    await loop.run(LEARNED, LEARNED + 10 * WINDOW)
    assert list(lesson.baselines.values()) == [found]
    assert loop.said.verdict is Verdict.HEALTHY


async def test_progress_is_told_in_tenths() -> None:
    loop = Loop(Source(steady))
    told = []
    for number in range(4 * (NEEDED + 4)):
        await loop.tick(START + number * INTERVAL)
        told += loop.lessons.told(MODEL, [loop.signal], loop.model.views).values()
    assert list(dict.fromkeys(told)) == [f"{n}/{NEEDED}" for n in range(0, NEEDED + 1, 2)]
    assert len(loop.woken) <= 13


async def test_a_sum_counts_each_window_once_and_finds_a_slow_decay() -> None:
    loop = await learned(Source(collapsing(LEARNED, to=0.7)))
    await loop.run(LEARNED, LEARNED + 2 * WINDOW)
    assert loop.said.verdict is Verdict.HEALTHY
    await loop.run(LEARNED + 2 * WINDOW, LEARNED + 6 * WINDOW)
    assert loop.said.verdict is Verdict.BREACH


async def test_what_the_first_signal_found_of_a_new_models_releases_no_other_asks_for() -> None:
    loop = Loop(Source(steady), raw_policy([b.signal(), OTHER], NEEDED))
    loop.store.apply(raw_model(version=2, status={}))
    for number in range(4):
        await loop.tick(START + number * INTERVAL)
    owners = [text for text, _, _ in loop.source.asked if text.startswith("group")]
    assert len(owners) == 2, "what two polls see is believed, and each of them asks once"
    assert loop.model.ties == {"1": b.GOOD}


async def test_a_signal_that_cannot_tell_whose_its_releases_are_leaves_it_to_the_others() -> None:
    loop = Loop(Source(steady), raw_policy([b.signal(), OTHER], NEEDED))
    loop.store.apply(raw_model(version=2, status={}))
    loop.source.broken = "good_total"
    await loop.tick(START)
    loop.source.broken = None
    loop.source.tied = False
    await loop.tick(START + INTERVAL)
    assert len([t for t, _, _ in loop.source.asked if t.startswith("group")]) == 2
    assert loop.model.ties == {}


async def test_nothing_is_learned_from_a_window_in_which_another_signal_was_not_healthy() -> None:
    loop = Loop(Source(steady), raw_policy([b.signal(), OTHER], NEEDED))
    await loop.run(START, START + 3 * WINDOW)
    lesson = loop.lessons.of(MODEL, loop.signal)
    before = lesson.progress({b.GOOD})
    loop.source.broken = "other_total"
    await loop.run(START + 3 * WINDOW, START + 6 * WINDOW)
    assert loop.said.reason == Reason.LEARNING
    assert lesson.progress({b.GOOD}) == before
    loop.source.broken = None
    await loop.run(START + 6 * WINDOW, START + 7 * WINDOW)
    assert lesson.progress({b.GOOD}) == before, "it was not healthy in this window yet"
    await loop.run(START + 7 * WINDOW, START + 8 * WINDOW)
    assert lesson.progress({b.GOOD}) == (before or 0) + 1


async def test_too_few_samples_teach_nothing() -> None:
    """The source counts 100 a window."""
    for least, told in ((100, "18/20"), (101, "0/20")):
        loop = Loop(Source(steady), raw_policy([b.signal(detector={"threshold": {"minSamples": least}})], NEEDED))
        await loop.run(START, LEARNED - 5 * WINDOW)
        assert loop.lessons.told(MODEL, [loop.signal], loop.model.views) == {(b.POLICY, b.SIGNAL): told}


def incident_raw(phase: str, suspect: str = b.GOOD, version: int = 9) -> dict[str, Any]:
    status = {"phase": phase, "episode": 1, "suspect": {"digest": suspect}, "openedAt": "2026-11-23T06:00:00Z"}
    return {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": "AIIncident",
        "metadata": {"name": "i", "namespace": b.NAMESPACE, "uid": "i", "resourceVersion": str(version)},
        "spec": {"modelRef": {"name": b.MODEL}, "type": "ModelFailure", "severity": "High", "origin": "Signal"},
        "status": status,
    }


async def test_nothing_is_learned_while_an_incident_is_open_nor_from_a_window_that_it_reaches_into() -> None:
    loop = Loop(Source(steady))
    await loop.run(START, START + 5 * WINDOW)
    lesson = loop.lessons.of(MODEL, loop.signal)
    before = lesson.progress({b.GOOD})
    loop.store.apply(incident_raw("Open"))
    await loop.run(START + 5 * WINDOW, START + 9 * WINDOW + 2 * INTERVAL)
    assert lesson.progress({b.GOOD}) == before
    loop.store.apply(incident_raw("Closed", version=10))
    await loop.run(START + 9 * WINDOW + 2 * INTERVAL, START + 10 * WINDOW + 2 * INTERVAL)
    assert lesson.progress({b.GOOD}) == before, "the incident was open in this window"
    await loop.run(START + 10 * WINDOW + 2 * INTERVAL, START + 11 * WINDOW + 2 * INTERVAL)
    assert lesson.progress({b.GOOD}) == (before or 0) + 1


def implicated(by: str | None, version: int) -> dict[str, Any]:
    release = {"digest": b.GOOD, "release": "1"} | ({"implicatedIn": by} if by else {})
    return raw_model(version=version, status={"releases": [release]})


async def test_what_a_suspect_has_not_finished_is_forgotten_and_a_whole_baseline_is_not() -> None:
    loop = Loop(Source(steady))
    await loop.run(START, START + 8 * WINDOW)
    loop.store.apply(implicated("i", 2))
    await loop.run(START + 8 * WINDOW, START + 10 * WINDOW)
    lesson = loop.lessons.of(MODEL, loop.signal)
    assert lesson.progress({b.GOOD}) is None
    loop.store.apply(implicated(None, 3))
    await loop.run(START + 10 * WINDOW, START + 12 * WINDOW + LEARNED - START)
    assert lesson.baselines
    loop.store.apply(implicated("i", 4))
    await loop.run(LEARNED + 12 * WINDOW, LEARNED + 14 * WINDOW)
    assert lesson.baselines
    assert loop.said.verdict is Verdict.HEALTHY


async def test_a_suspect_finishes_nothing() -> None:
    loop = Loop(Source(steady))
    lesson = loop.lessons.of(MODEL, loop.signal)
    at = START
    while lesson.progress({b.GOOD}) != NEEDED - 1:
        await loop.tick(at)
        at += INTERVAL
    loop.store.apply(implicated("i", 2))
    await loop.run(at, at + 2 * WINDOW)
    assert not lesson.baselines


async def test_what_is_remembered_of_a_series_outlasts_its_absence() -> None:
    """A sum that began anew with each window without traffic would never find anything."""
    loop = await learned(Source(collapsing(LEARNED, to=0.7)))
    await loop.run(LEARNED, LEARNED + 2 * WINDOW)
    before = loop.said.value
    loop.source.value = lambda *_: None
    await loop.run(LEARNED + 2 * WINDOW, LEARNED + 5 * WINDOW)
    assert loop.said.reason == Reason.EMPTY
    loop.source.value = steady
    await loop.run(LEARNED + 5 * WINDOW, LEARNED + 6 * WINDOW)
    assert 0 < (loop.said.value or 0) <= (before or 0) + 0.02


async def test_the_known_good_release_is_the_reference_and_after_it_the_own() -> None:
    """Release 2 answers a little worse than 1 did, all the time; against itself that is healthy."""

    def value(model: str, release: str, end: float) -> float:
        return steady(model, release, end) - (0.3 if release == "2" else 0.0)

    for pinned, verdict in ((b.pinned("good", "model"), Verdict.BREACH), (None, Verdict.HEALTHY)):
        loop = await learned(Source(value))
        loop.source.releases = ("2",)
        releases = [{"digest": b.BAD, "release": "2"}, {"digest": b.GOOD, "release": "1"}]
        spec = {"knownGood": pinned} if pinned else {}
        loop.store.apply(raw_model(version=5, status={"releases": releases}, **spec))
        loop.store.remove(raw_pod())
        loop.store.apply(raw_pod("2", "bad"))
        await loop.run(LEARNED, LEARNED + WINDOW + 2 * INTERVAL)
        assert loop.said.digest == b.BAD
        assert (loop.said.reason == Reason.LEARNING) is (pinned is None)
        await loop.run(LEARNED + WINDOW + 2 * INTERVAL, LEARNED + (NEEDED + 6) * WINDOW)
        assert loop.said.verdict is verdict


async def test_what_one_release_did_is_not_counted_against_the_next() -> None:
    loop = await learned(Source(collapsing(LEARNED, to=0.7)))
    await loop.run(LEARNED, LEARNED + 6 * WINDOW)
    assert loop.said.verdict is Verdict.BREACH
    loop.source.value, loop.source.releases = steady, ("2",)
    releases = [{"digest": b.FIX, "release": "2"}, {"digest": b.GOOD, "release": "1"}]
    loop.store.apply(raw_model(version=5, status={"releases": releases}, knownGood=b.pinned("good", "model")))
    loop.store.remove(raw_pod())
    loop.store.apply(raw_pod("2", "fix"))
    await loop.run(LEARNED + 6 * WINDOW, LEARNED + 8 * WINDOW)
    assert (loop.said.verdict, loop.said.digest) == (Verdict.HEALTHY, b.FIX)


async def test_windows_missed_while_the_source_was_down_are_made_up_for_in_one_request() -> None:
    steadily, loop = await learned(), await learned()
    loop.source.down = True
    await loop.run(LEARNED, LEARNED + 10 * WINDOW)
    assert (loop.said.verdict, loop.said.reason) == (Verdict.ERROR, Reason.UNREACHABLE)
    loop.source.down = False
    loop.source.asked.clear()
    await loop.tick(LEARNED + 10 * WINDOW)
    assert len(loop.source.asked) == 1
    await steadily.run(LEARNED, LEARNED + 10 * WINDOW + INTERVAL)
    assert loop.model.judged == steadily.model.judged
    assert loop.said == steadily.said


async def test_an_old_breach_that_is_made_up_for_is_not_shown() -> None:
    loop = Loop(Source(steady))
    loop.poller.windows.restore(loop.signal, START - 2_000 * WINDOW)
    await loop.tick(START)
    assert len(loop.sums.calls) == 500, "at most as many as are made up for"
    assert loop.sums.calls[-1][0] == math.floor((START - INTERVAL) / WINDOW) * WINDOW


async def test_a_range_that_the_source_cannot_answer_is_asked_for_in_parts() -> None:
    loop = await learned()
    loop.source.down = True
    await loop.run(LEARNED, LEARNED + 9 * WINDOW)
    loop.source.down = False
    most, asked = 4, loop.source.query_range
    spans: list[int] = []

    async def choosy(text: str, start: float, end: float, step: float, timeout: float | None = None) -> Any:
        spans.append(round((end - start) / step) + 1)
        if spans[-1] > most:
            return failed(DataState.TIMEOUT, "too much")
        return await asked(text, start, end, step)

    loop.source.query_range = choosy  # type: ignore[method-assign]
    await loop.run(LEARNED + 9 * WINDOW, LEARNED + 40 * WINDOW)
    assert loop.said.verdict is Verdict.HEALTHY
    assert (loop.poller.windows.end(loop.signal) or 0) >= LEARNED + 39 * WINDOW
    assert spans[0] > most >= spans[-1]


async def test_a_model_that_breaks_a_detector_is_said_and_the_others_go_on() -> None:
    loop = Loop(Source(steady, models=(b.MODEL, "faces", "voices")), sums=Sums(poison="faces"))
    await loop.run(START, LEARNED)
    said = {name: loop.board.of((b.NAMESPACE, name)).views[(b.POLICY, b.SIGNAL)] for name in loop.source.models}
    assert said["faces"].judgement.verdict is Verdict.ERROR
    assert said["faces"].judgement.reason == Reason.DETECTOR_FAILED
    assert {said[name].judgement.verdict for name in (b.MODEL, "voices")} == {Verdict.HEALTHY}


async def test_one_call_judges_all_models() -> None:
    loop = Loop(Source(steady, models=tuple(f"m{i}" for i in range(9))))
    await loop.run(START, START + 3 * WINDOW)
    assert {number for end, number in loop.sums.calls if end > START} == {9}


async def test_a_release_that_is_tied_late_is_judged_by_the_same_window() -> None:
    loop = Loop(Source(steady), raw_policy([b.signal(ratio={"window": "10m"})], NEEDED))
    loop.store.apply(raw_model(version=4, status={"phase": "Learning"}))
    for number in range(3):
        await loop.tick(1_000_200.0 + 5 + number * INTERVAL)
    assert loop.said.reason == Reason.LEARNING
    assert [at for text, at, _ in loop.source.asked if not text.startswith("group")] == [1_000_200.0]


async def test_another_way_of_judging_starts_anew_and_what_is_usual_stays_known() -> None:
    loop = await learned(Source(collapsing(LEARNED, to=0.7)))
    await loop.run(LEARNED, LEARNED + 2 * WINDOW)
    assert (loop.said.value or 0) > 0
    policy = raw_policy([b.signal(detector={"threshold": {"below": 0.8}})], NEEDED)
    policy["metadata"]["resourceVersion"] = "8"
    loop.store.apply(policy)
    loop.source.value = steady
    await loop.run(LEARNED + 2 * WINDOW, LEARNED + 4 * WINDOW)
    assert (loop.said.verdict, loop.said.value) == (Verdict.HEALTHY, 0.0)


async def test_a_suspended_model_keeps_what_is_usual_and_forgets_the_sums() -> None:
    loop = await learned()
    loop.store.apply(raw_model(version=5, suspend=True))
    await loop.tick(LEARNED + INTERVAL)
    assert not loop.model.judged
    loop.store.apply(raw_model(version=6))
    await loop.run(LEARNED + WINDOW, LEARNED + 3 * WINDOW)
    assert loop.said.verdict is Verdict.HEALTHY


async def test_a_healthy_whole_window_counts_for_as_long_as_it_is() -> None:
    loop = await learned()
    before = loop.model.healthy
    await loop.run(LEARNED, LEARNED + 10 * WINDOW)
    assert loop.model.healthy - before == pytest.approx(10 * WINDOW, abs=WINDOW)


async def test_a_release_that_has_none_to_be_compared_with_can_be_proven_by_other_signals() -> None:
    loop = await learned()
    alone = Judgement(Verdict.INCONCLUSIVE, Reason.NO_COMPARISON, "nothing to compare with", state=DataState.EMPTY)
    other = replace(loop.signal, name="against-known-good")
    loop.model.record(other, Judged(alone, {}), b.at(1))
    assert loop.model.all_healthy
    loop.model.record(other, Judged(replace(alone, reason=Reason.TOO_FEW_SAMPLES), {}), b.at(2))
    assert not loop.model.all_healthy


def by_the_hour(model: str, release: str, end: float) -> float:
    """Every other hour is by far worse, and healthy all the same."""
    return steady(model, release, end) - (0.4 if int((end - WINDOW / 2) // 3600) % 2 else 0.0)


DIAL = {"falseAlarmEvery": "30d", "direction": "Down"}
MIDNIGHT = 12 * 86_400.0


async def days(learning: dict[str, Any], number: int, **more: Any) -> Loop:
    """A loop that sees the first minutes of each hour of as many days."""
    loop = Loop(Source(by_the_hour), raw_policy([b.signal(**more)], learning={"windows": NEEDED, **learning}))
    for hour in range(24 * number):
        begin = MIDNIGHT + hour * 3600
        await loop.run(begin, begin + (NEEDED + 3) * WINDOW)
    return loop


async def test_with_a_season_each_part_is_held_against_its_own_kind() -> None:
    loop = await days({"season": "HourOfDay"}, 1)
    assert (loop.said.verdict, loop.said.reason) == (Verdict.HEALTHY, Reason.HEALTHY)
    lesson = loop.lessons.of(MODEL, loop.signal)
    means = {labels[-1]: round(found.mean, 1) for (_, labels), found in lesson.baselines.items()}
    assert means == {("@season", f"{hour:02d}"): 0.5 if hour % 2 else 0.9 for hour in range(24)}
    one = MIDNIGHT + 24 * 3600 + 13 * 3600
    loop.source.value = lambda model, release, end: 0.5 if end > one else by_the_hour(model, release, end)
    await loop.run(one, one + 10 * WINDOW)
    assert loop.said.verdict is Verdict.HEALTHY, "as it always is at one"
    await loop.run(one + 3600, one + 3600 + 10 * WINDOW)
    assert loop.said.verdict is Verdict.BREACH, "as it never is at two"


async def test_another_season_learns_anew() -> None:
    one, other = Loop(Source(steady)), Loop(Source(steady), raw_policy(learning={"windows": 20, "season": "DayOfWeek"}))
    assert one.signal.measured != other.signal.measured


def refused_with_a_season(signal: dict[str, Any]) -> Problem:
    loop = Loop(Source(steady), raw_policy([signal], learning={"windows": 20, "season": "HourOfDay"}))
    compiled = loop.policies.compiled((b.NAMESPACE, b.POLICY))
    assert compiled is not None
    (problem,) = compiled[0].problems
    return problem


async def test_a_window_that_leaves_a_part_too_few_of_them_is_refused() -> None:
    long = {**b.signal(ratio={"good": "g", "total": "t", "window": "1h"}), "detector": {"change": DIAL}}
    problem = refused_with_a_season(long)
    assert problem.field.endswith("ratio.window")
    assert "write 30m or less" in problem.message


async def test_a_detector_that_looks_across_the_parts_of_a_season_is_refused_with_one() -> None:
    trend = {**b.signal(), "detector": {"trend": {"over": "1h", "falseAlarmEvery": "30d"}}}
    problem = refused_with_a_season(trend)
    assert problem.field.endswith("detector.trend")
    assert "spec.learning.season" in problem.message
