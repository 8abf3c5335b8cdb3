"""Rules 1 to 3 at the place where samples become a verdict on a model."""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import cast

import pytest

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.port import DetectorPort, Span
from knowngood.core.incidents.judge import Asked, Judged, Releases, judge, judge_all
from knowngood.core.signals.answer import Answer, DataState, failed
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.sample import Sample
from tests import builders as b

pytestmark = pytest.mark.unit
OK = Answer(DataState.OK)
MATCHERS = {"model": "digits"}
NOW = b.START.timestamp()
AT_ONCE = b.compiled({"detector": {"threshold": {"for": "0s"}}})


def sample(value: float, state: DataState = DataState.OK, **labels: str) -> Sample:
    made = {"namespace": b.NAMESPACE, "model": "digits", **labels}
    return Sample(made, state, value if state is DataState.OK else None, 200, message="why")


def releases(*running: str, ties: Mapping[str, str] | None = None, pods: Mapping[str, str] | None = None) -> Releases:
    known = {"1": b.GOOD, "2": b.BAD} if ties is None else ties
    return Releases(known, pods or {}, frozenset(b.digest(r) for r in running))


def judged(
    samples: Sequence[Sample],
    running: Releases | None = None,
    of: CompiledSignal = AT_ONCE,
    before: Judged | None = None,
    after: float = 0.0,
    answer: Answer = OK,
) -> Judged:
    return judge(of, answer, samples, MATCHERS, running or releases("bad"), before, NOW + after)


def test_only_the_running_release_is_judged() -> None:
    both = [sample(0.2, release="1"), sample(0.97, release="2")]
    assert judged(both, releases("bad")).judgement.verdict is Verdict.HEALTHY
    assert judged(both, releases("good")).judgement.verdict is Verdict.BREACH
    assert judged(both, releases("good")).judgement.digest == b.GOOD


def test_during_a_roll_out_both_run_and_the_worst_is_named() -> None:
    found = judged([sample(0.97, release="1"), sample(0.2, release="2")], releases("good", "bad")).judgement
    assert (found.verdict, found.release, found.digest) == (Verdict.BREACH, "2", b.BAD)


def test_a_verdict_names_every_release_that_it_is_about() -> None:
    both = [sample(0.97, release="1"), sample(0.97, release="2")]
    found = judged(both, releases("good", "bad")).judgement
    assert {found.digest, *found.beside} == {b.GOOD, b.BAD}
    assert judged(both, releases("bad")).judgement.beside == frozenset()


def test_a_release_without_a_baseline_is_named_beside_one_that_has_one() -> None:
    signal = b.compiled({"detector": {"threshold": None, "change": {}}})
    known = Baseline(windows=50, mean=0.97, variance=1e-4, count=200, hits=9700, total=10_000)
    at = [sample(0.97, release=r) for r in "12"]
    learned = {(b.GOOD, (("model", "digits"), ("namespace", b.NAMESPACE))): known}
    asked = Asked(at, MATCHERS, releases("good", "bad"), None, learned)
    ((outcome),) = judge_all(signal, OK, [asked], Span(NOW, 20, 5))
    found = outcome.judged.judgement
    assert (found.reason, found.digest) == (Reason.LEARNING, b.BAD)
    assert found.message.startswith("release 2 has no baseline yet, nor has a known-good release")
    grouped = [sample(0.97, release="2", group="a")]
    ((outcome),) = judge_all(signal, OK, [Asked(grouped, MATCHERS, releases("bad"))], Span(NOW, 20, 5))
    assert outcome.judged.judgement.message.startswith("this segment of release 2 has no baseline yet")


def test_a_release_that_is_gone_leaves_nothing_to_judge() -> None:
    found = judged([sample(0.2, release="1")]).judgement
    assert (found.verdict, found.state) == (Verdict.INCONCLUSIVE, DataState.EMPTY)


def test_where_there_is_nothing_it_says_what_was_looked_for() -> None:
    nothing = judged([]).judgement
    assert nothing.state is DataState.EMPTY
    assert 'all_total{namespace="vision"}' in nothing.message
    assert 'model="digits"' in nothing.message
    assert "spec.series.matchLabels" in nothing.message
    nobody = judged([sample(0.2, release="1")], releases()).judgement
    assert "which release runs is not known" in nobody.message


def test_what_is_remarked_on_the_data_is_said_whatever_the_verdict() -> None:
    for value, verdict in ((0.97, Verdict.HEALTHY), (0.2, Verdict.BREACH)):
        found = judged([sample(value, release="2")]).judgement
        assert (found.verdict, found.remark) == (verdict, "why")
        assert found.message.endswith("; why")
    unsure = judged([sample(0.0, DataState.NAN, release="2")]).judgement
    assert (unsure.message, unsure.remark) == ("why", "")


def test_a_release_that_nobody_knows_is_not_judged_but_asked_for() -> None:
    found = judged([sample(0.2, release="9")])
    assert (found.judgement.verdict, found.judgement.reason) == (Verdict.INCONCLUSIVE, "ReleaseUnknown")
    assert found.unknown_releases == {"9"}


def test_segments_are_judged_each_and_the_worst_is_named_in_any_order() -> None:
    rows = [
        sample(0.97, release="2", group="a"),
        sample(0.2, release="2", group="b"),
        sample(0.1, release="2", group="c"),
        sample(0.0, DataState.NAN, release="2", group="d"),
    ]
    for order in permutations(rows):
        found = judged(order).judgement
        assert (found.verdict, dict(found.segment)) == (Verdict.BREACH, {"group": "b"})


def test_the_lattice_holds_between_segments() -> None:
    fine, unsure = sample(0.97, release="2", group="a"), sample(0.0, DataState.NAN, release="2", group="b")
    assert judged([fine, unsure]).judgement.verdict is Verdict.INCONCLUSIVE


def test_each_segment_has_its_own_for() -> None:
    signal = b.compiled()
    first = judged([sample(0.2, release="2", group="a")], of=signal)
    second = judged([sample(0.2, release="2", group="b")], of=signal, before=first, after=5)
    assert second.judgement.verdict is Verdict.INCONCLUSIVE
    third = judged([sample(0.2, release="2", group="b")], of=signal, before=second, after=10)
    assert third.judgement.verdict is Verdict.BREACH


def test_series_without_a_release_are_not_separable() -> None:
    found = judged([sample(0.2)]).judgement
    assert (found.verdict, found.not_separable, found.digest) == (Verdict.BREACH, True, b.BAD)


def test_series_without_a_release_blame_none_of_several() -> None:
    assert judged([sample(0.2)], releases("good", "bad")).judgement.digest == ""


def test_pods_stand_for_the_image_they_run() -> None:
    signal = b.compiled({"detector": {"threshold": {"for": "0s"}}}, identity={"model": "model"})
    known = releases("bad", pods={"new": b.BAD, "old": b.GOOD, "starting": ""})
    rows = [sample(0.97, pod="new"), sample(0.2, pod="old"), sample(0.2, pod="gone"), sample(0.2, pod="starting")]
    assert judged(rows, known, signal).judgement.verdict is Verdict.HEALTHY


class TestNoData:
    def over(self, action: str, seconds: int, samples: Sequence[Sample] = ()) -> Judged:
        rule = {"action": action, "for": "30s"}
        signal = b.compiled({"noData": rule})
        found: Judged | None = None
        for after in range(0, seconds + 1, 5):
            found = judged(samples, of=signal, before=found, after=after)
        assert found is not None
        return found

    def test_inconclusive_by_default(self) -> None:
        found = self.over("Inconclusive", 3600).judgement
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "Empty")

    def test_ignored_is_never_healthy_says_so_and_keeps_its_state(self) -> None:
        found = self.over("Ignore", 60).judgement
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.IGNORED)
        assert found.state is DataState.EMPTY

    def test_an_incident_only_where_asked_for_and_after_for(self) -> None:
        assert self.over("Incident", 25).judgement.verdict is Verdict.INCONCLUSIVE
        found = self.over("Incident", 30).judgement
        assert (found.verdict, found.reason) == (Verdict.BREACH, Reason.NO_DATA)

    def test_stale_is_no_data_too_but_nan_and_too_few_are_not(self) -> None:
        stale = [sample(0, DataState.STALE, release="2")]
        assert self.over("Incident", 30, stale).judgement.verdict is Verdict.BREACH
        for state in (DataState.NAN, DataState.INF, DataState.TOO_FEW):
            found = self.over("Incident", 600, [sample(0, state, release="2")]).judgement
            assert found.verdict is Verdict.INCONCLUSIVE

    def test_data_in_between_starts_it_anew(self) -> None:
        signal = b.compiled({"noData": {"action": "Incident", "for": "30s"}})
        first = judged([], of=signal)
        second = judged([sample(0.97, release="2")], of=signal, before=first, after=25)
        third = judged([], of=signal, before=second, after=30)
        assert third.judgement.verdict is Verdict.INCONCLUSIVE

    @pytest.mark.parametrize("state", [s for s in DataState if s.is_error or s is DataState.PARTIAL])
    def test_a_source_that_fails_in_between_does_not_start_it_anew(self, state: DataState) -> None:
        signal = b.compiled({"noData": {"action": "Incident", "for": "30s"}})
        found = judged([], of=signal)
        for after in (5, 10, 15, 20, 25):
            found = judged([], of=signal, before=found, after=after, answer=failed(state, "down"))
        found = judged([], of=signal, before=found, after=30)
        assert (found.judgement.verdict, found.judgement.reason) == (Verdict.BREACH, Reason.NO_DATA)

    def test_a_source_that_fails_starts_no_clock(self) -> None:
        signal = b.compiled({"noData": {"action": "Incident", "for": "30s"}})
        found = judged([sample(0.97, release="2")], of=signal)
        for after in range(5, 600, 5):
            found = judged([], of=signal, before=found, after=after, answer=failed(DataState.TIMEOUT, "down"))
        for after in (600, 625):
            found = judged([], of=signal, before=found, after=after)
            assert found.judgement.verdict is Verdict.INCONCLUSIVE

    def test_a_detector_that_fails_in_between_does_not_start_it_anew(self) -> None:
        signal = b.compiled({"noData": {"action": "Incident", "for": "30s"}})
        first = judged([], of=signal)
        broken = [Asked([sample(0.2, release="2")], MATCHERS, releases("bad"), first)]
        span = Span(NOW + 10, signal.window, signal.interval)
        (outcome,) = judge_all(signal, OK, broken, span, lambda _: cast(DetectorPort, None))
        assert outcome.failure
        assert judged([], of=signal, before=outcome.judged, after=30).judgement.verdict is Verdict.BREACH

    @pytest.mark.parametrize("state", [s for s in DataState if s.is_error or s is DataState.PARTIAL])
    def test_a_source_that_fails_is_never_an_incident(self, state: DataState) -> None:
        signal = b.compiled({"noData": {"action": "Incident", "for": "30s"}})
        found: Judged | None = None
        for after in range(0, 3600, 5):
            found = judged([], of=signal, before=found, after=after, answer=failed(state, "down"))
            assert found.judgement.verdict in {Verdict.ERROR, Verdict.INCONCLUSIVE}


def test_a_failure_in_between_keeps_what_for_remembers() -> None:
    signal, bad = b.compiled(), [sample(0.2, release="2")]
    first = judged(bad, of=signal)
    down = judged([], of=signal, before=first, after=5, answer=failed(DataState.TIMEOUT, "down"))
    assert judged(bad, of=signal, before=down, after=10).judgement.verdict is Verdict.BREACH


def test_labels_of_any_length_are_cut_for_the_record() -> None:
    hostile = {"release": "2", "group": "x" * 100_000, **{f"l{i:02}": "y" for i in range(100)}}
    found = judged([sample(0.2, **hostile)]).judgement
    assert len(found.segment) <= 16
    assert max(map(len, found.segment.values())) <= 128
    unknown = judged([sample(0.2, release="z" * 100_000)]).judgement
    assert len(unknown.message) < 1_000
