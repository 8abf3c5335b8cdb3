"""The analysis is a function of the record: it never raises, whatever evidence holds, and names what was hit."""

import itertools
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowngood.api.analysis import Analysis, OnsetMethod
from knowngood.api.evidence import Evidence
from knowngood.api.observed import Verdict
from knowngood.core.incidents import segments
from knowngood.core.incidents.analysis import analyse, signs_of
from knowngood.core.incidents.opening import breaches, first_status
from tests import builders as b
from tests import samples as s
from tests.unit.core.test_causes import CONFIGS, NEIGHBOURS, PODS, ROLLOUTS
from tests.unit.core.test_onset import any_series

pytestmark = pytest.mark.unit
APART = {"model", "release"}


def analysed(evidence: Evidence, *views: Any, since: float = 295) -> Analysis:
    found = views or (b.view(since=since),)
    opened = b.incident()
    status = first_status(b.model(), opened, 1, breaches(found), b.pods(), b.CONTAINER, b.at(300))
    incident = opened.model_copy(update={"status": status})
    return analyse(incident, b.model(), evidence, b.views(*found), APART, b.at(300))


def grouped(**shares: Any) -> list[Any]:
    named = ((s.drop(250) if hit else lambda _: 0.97, {"group": name}) for name, hit in shares.items())
    return list(itertools.chain.from_iterable(s.ratio(share, labels) for share, labels in named))


def test_the_segments_that_were_hit_are_named_and_the_others_are_not() -> None:
    made = analysed(s.evidence(series=grouped(a=True, b=False, c=False, d=True)))
    assert [x.labels for x in made.segments] == [{"group": "a"}, {"group": "d"}]
    assert made.segments_total == 4
    assert (made.segments[0].before, made.segments[0].after) == ("0.97", "0.2")
    assert "2 of 4 segments hit: group=a, group=d" in made.sentence


def test_where_samples_do_not_tell_segments_apart_the_detectors_worst_is_named() -> None:
    made = analysed(s.evidence(), b.view(since=295, segment={"group": "b"}))
    assert [(x.labels, x.after) for x in made.segments] == [({"group": "b"}, "0.2")]
    assert made.segments_total is None
    assert "worst segment: group=b" in made.sentence


def test_a_detector_that_adds_up_evidence_may_be_late() -> None:
    decay = {"threshold": None, "change": {"method": "Cusum", "direction": "Down", "falseAlarmEvery": "30d"}}
    late = b.view(since=295, of=b.compiled({"detector": decay}))
    made = analysed(s.evidence(series=[]), late)
    assert made.onset_earliest is None
    assert made.method is OnsetMethod.FIRST_BREACH
    assert made.sentence.startswith("accuracy went wrong some time before 2026-11-23T06:04:55Z")
    (found,) = signs_of([], b.views(late))
    assert found.reach >= 10 * late.signal.window


def test_pods_and_releases_are_no_segments() -> None:
    apart = [{"release": "1", "pod": "x"}, {"release": "2", "pod": "y"}]
    found = [one for labels in apart for one in s.ratio(s.drop(250), labels)]
    assert segments.hit(found, b.at(250).timestamp(), s.BELOW, APART) == ([], 0)


def test_signs_are_the_signals_that_are_out_with_their_first_breach() -> None:
    drift = b.view(since=280, of=b.compiled({"name": "drift", "type": "DataDrift"}))
    fine = b.view(Verdict.HEALTHY, of=b.compiled({"name": "fine"}))
    entries = first_status(b.model(), b.incident(), 1, [b.view(since=5)], b.pods(), b.CONTAINER, b.at(300)).signals
    found = signs_of(entries, b.views(b.view(since=290), drift, fine))
    assert [(x.name, x.since, x.reach) for x in found] == [
        ("accuracy", b.at(5).timestamp(), 35.0),
        ("drift", b.at(280).timestamp(), 35.0),
    ]
    lost = signs_of(entries, {})
    assert [(x.name, x.verdict) for x in lost] == [("accuracy", Verdict.BREACH)], "after a restart the record is enough"


def test_a_signal_without_samples_is_dated_by_another_that_has_some() -> None:
    other = b.view(since=295, of=b.compiled({"name": "other"}))
    made = analysed(s.evidence(series=s.ratio(s.drop(250), signal="other")), b.view(since=295), other)
    assert (made.signal, made.method) == ("other", OnsetMethod.CHANGE_POINT)


def test_the_same_record_gives_the_same_analysis_in_any_order() -> None:
    evidence = s.evidence(series=grouped(a=True, b=False))
    other = evidence.model_copy(update={"series": evidence.series[::-1], "pods": evidence.pods[::-1]})
    assert analysed(evidence) == analysed(other)


def test_the_largest_evidence_is_analysed_in_a_blink() -> None:
    many = [one for n in range(16) for one in s.ratio(s.drop(250), {"group": str(n)}, end=1_195)]
    evidence = s.evidence(series=many, rollouts=[s.rollout(248, *[s.IMAGE] * 16)] * 10)
    assert sum(len(x.points) for x in evidence.series) >= 2_000
    began = time.perf_counter()
    analysed(evidence)
    assert time.perf_counter() - began < 0.5


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(any_series(), max_size=5), ROLLOUTS, CONFIGS, PODS, NEIGHBOURS, st.floats(-1e5, 1e5))
def test_any_evidence_gives_an_analysis_that_can_be_written(
    series: Any, rollouts: Any, configs: Any, pods: Any, neighbours: Any, since: float
) -> None:
    parts = {"rollouts": rollouts, "configs": configs, "pods": pods, "dependencies": neighbours}
    made = analysed(s.evidence(series=series, **parts), since=since)
    assert Analysis.from_object(made.to_object()) == made
    assert made.causes
    assert made.sentence
    assert made.assessed_type is not None
