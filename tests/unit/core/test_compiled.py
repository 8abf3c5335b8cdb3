"""A policy's signals compiled: what cannot be done is named with its field, and the others go on."""

from typing import Any

import promql_parser as promql
import pytest

from knowngood.api.conditions import Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.core.detectors.registry import DETECTORS
from knowngood.core.signals.compiled import SLIDING, compile_policy, model_matchers
from knowngood.core.signals.request import Ask
from knowngood.core.signals.scope import parse, selectors
from tests import builders as b

pytestmark = pytest.mark.unit
THRESHOLD = {"threshold": {"below": 0.9}}


def promql_signal(query: str, **more: Any) -> dict[str, Any]:
    return b.signal(ratio=None, promql={"query": query, **more})


def only_problem(policy: IncidentPolicy) -> tuple[Reason, str, str]:
    found = compile_policy(policy, [b.model()])
    (problem,) = found.problems
    return problem.reason, problem.field, problem.message


def test_what_this_version_cannot_do_is_not_supported() -> None:
    reason, where, message = only_problem(b.policy([b.signal(ratio=None, preset="vllm/truncated-answers")]))
    assert reason is Reason.NOT_SUPPORTED
    assert where == "spec.signals[accuracy].preset"
    assert "write" in message


COUNTED = {
    "events": {"metric": "x_total", "exposure": "all_total", "window": "5m"},
    "histogram": {"metric": "x", "window": "5m"},
    "outcomes": {
        "metric": "x_total",
        "outcomeLabel": "o",
        "favourable": ["y"],
        "groupLabels": ["g"],
        "window": "5m",
    },
}


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("detector", [{}, {"threshold": None, "change": {}}])
def test_inputs_that_count(name: str, detector: dict[str, Any]) -> None:
    found = b.compiled({"ratio": None, name: COUNTED[name], "detector": detector})
    assert (found.window, found.stale_after) == (300, 300)
    assert found.pool is not None
    assert (":" in found.query.split("increase(")[1].split("]")[0]) is bool(detector), "whole windows are on a grid"
    tree = selectors(parse(found.query))
    assert all(any(m.name == "namespace" and m.value == "vision" for m in node.matchers.matchers) for node in tree)


@pytest.mark.parametrize("test", [{}, {"test": "KolmogorovSmirnov"}, {"test": "Wasserstein"}])
def test_outcomes_have_no_order_for_a_test_that_needs_one(test: dict[str, Any]) -> None:
    drift = {"threshold": None, "drift": test}
    reason, where, message = only_problem(
        b.policy([b.signal(ratio=None, outcomes=COUNTED["outcomes"], detector=drift)])
    )
    assert (reason, where) == (Reason.INVALID, "spec.signals[accuracy].detector.drift.test")
    assert message.startswith(test.get("test", "KolmogorovSmirnov"))
    assert "write ChiSquared" in message


@pytest.mark.parametrize(
    ("detector", "field", "write"),
    [
        ({"threshold": {"below": 60}}, "threshold.below", "write 0.6 for 60 %"),
        ({"threshold": {"below": None, "above": 60}}, "threshold.above", "write 0.6 for 60 %"),
        ({"threshold": {"below": None, "above": 1000}}, "threshold.above", "write such a number"),
        ({"threshold": None, "trend": {"limit": 80}}, "trend.limit", "write 0.8 for 80 %"),
    ],
)
def test_a_percentage_is_no_limit_of_a_share(detector: dict[str, Any], field: str, write: str) -> None:
    signal = b.signal(ratio=None, outcomes=COUNTED["outcomes"], detector=detector)
    reason, where, message = only_problem(b.policy([signal]))
    assert (reason, where) == (Reason.INVALID, f"spec.signals[accuracy].detector.{field}")
    assert "the value of outcomes is a share, between 0 and 1" in message
    assert message.endswith(write)


@pytest.mark.parametrize("test", ["ChiSquared", "JensenShannon", "PopulationStabilityIndex"])
def test_other_tests_need_none(test: str) -> None:
    b.compiled(
        {"ratio": None, "outcomes": COUNTED["outcomes"], "detector": {"threshold": None, "drift": {"test": test}}}
    )


@pytest.mark.parametrize("field", ["outcomeLabel", "groupLabels"])
def test_labels_of_outcomes_are_not_those_of_models(field: str) -> None:
    taken = {**COUNTED["outcomes"], field: "release" if field == "outcomeLabel" else ["release"]}
    reason, where, message = only_problem(b.policy([b.signal(ratio=None, outcomes=taken)]))
    assert (reason, where) == (Reason.INVALID, f"spec.signals[accuracy].outcomes.{field}")
    assert "write another label" in message


def test_whole_windows_are_asked_for_where_the_detector_judges_them() -> None:
    assert {d.name for d in DETECTORS if not d.whole_windows} == set(SLIDING)


@pytest.mark.parametrize(
    ("window", "interval", "step"),
    [
        ("1m", 15, 15_000),
        ("5m", 15, 15_000),
        ("30m", 15, 90_000),
        ("20s", 15, 20_000),
        ("7s", 2, 3_500),
        ("1m", 7, 7_500),
    ],
)
def test_the_grid_divides_the_window(window: str, interval: float, step: int) -> None:
    found = Ask("vision", (), interval, whole=True).window(window)
    assert found.step == step
    assert found.length % step == 0


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"integrity": {"severity": "Critical"}}, "spec.integrity"),
        ({"notify": [{"name": "oncall", "sinkRef": {"name": "oncall"}}]}, "spec.notify"),
        ({"silences": [{"name": "night", "until": "2026-11-24T06:00:00Z", "reason": "maintenance"}]}, "spec.silences"),
    ],
)
def test_blocks_that_do_nothing_yet_are_not_silently_ignored(spec: dict[str, Any], field: str) -> None:
    policy = b.policy(**spec)
    assert only_problem(policy)[:2] == (Reason.NOT_SUPPORTED, field)
    assert len(compile_policy(policy, [b.model()]).signals) == 1, "the signals are judged all the same"


@pytest.mark.parametrize(
    ("signal", "field", "says"),
    [
        (promql_signal("sum("), "promql.query", "not valid PromQL"),
        (promql_signal("1"), "promql.query", "at least one metric name"),
        (promql_signal("x[5m]"), "promql.query", "rate"),
        (promql_signal("avg(x)"), "promql.query", "avg by (model, namespace, release) (…)"),
        (b.signal(ratio=None, histogram={"metric": "x_bucket", "window": "1m"}), "histogram.metric", "write x"),
        (promql_signal("x", samples="sum("), "promql.samples", "not valid PromQL"),
        (promql_signal("x", samples="x[5m]"), "promql.samples", "rate"),
    ],
)
def test_a_bad_query_is_named_by_its_field(signal: dict[str, Any], field: str, says: str) -> None:
    reason, where, message = only_problem(b.policy([signal]))
    assert reason is Reason.INVALID
    assert where == f"spec.signals[accuracy].{field}"
    assert says in message


def test_the_others_go_on() -> None:
    bad = b.signal(name="bad", ratio=None, promql={"query": "sum("})
    found = compile_policy(b.policy([bad, b.signal()]), [b.model()])
    assert [s.name for s in found.signals] == ["accuracy"]
    assert len(found.problems) == 1


def test_a_signal_is_ready_to_be_asked() -> None:
    found = b.compiled()
    assert (found.interval, found.window, found.stale_after) == (5, 20, 30)
    assert (found.model_label, found.release_label, found.by_release) == ("model", "release", True)
    assert found.source == "default"
    assert promql.parse(found.query)
    assert {s for node in selectors(parse(found.query)) for s in [node.name]} == {"good_total", "all_total", "up"}
    assert all('namespace="vision"' in s for s in found.selectors)


def test_without_a_release_label_pods_tell_releases_apart() -> None:
    found = b.compiled(identity={"model": "model"})
    assert (found.release_label, found.by_release) == ("pod", False)
    assert "pod" in found.query


def test_a_signals_own_identity_wins() -> None:
    found = b.compiled({"identity": {"model": "model_name", "release": ""}})
    assert (found.model_label, found.release_label) == ("model_name", "pod")


def test_one_request_serves_all_models_and_equal_policies_ask_equally() -> None:
    one, two = b.model(), b.model(name="other")
    assert compile_policy(b.policy(), [one]).signals[0].query == compile_policy(b.policy(), [two, one]).signals[0].query


def test_which_series_are_a_models() -> None:
    assert model_matchers(b.model(), "model") == {"model": "digits"}
    series = {"series": {"matchLabels": {"model": "d", "tenant": "t"}}}
    assert model_matchers(b.model(series), "model") == {"model": "d", "tenant": "t"}
    found = compile_policy(b.policy(), [b.model(series)]).signals[0]
    assert "by (model, namespace, release, tenant)" in found.query


def test_a_promql_window_is_what_the_query_reaches_back_for() -> None:
    assert b.compiled({"ratio": None, "promql": {"query": "rate(x[5m])"}}).window == 300
    assert b.compiled({"ratio": None, "promql": {"query": "x"}}).window == 5
