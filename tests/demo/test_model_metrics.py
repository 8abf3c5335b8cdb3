"""What the digits model exports, as a scraper sees it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.model.metrics import MAX_FEEDBACK_RELEASES, ModelMetrics, TooManyReleasesError, trace_id

pytestmark = pytest.mark.unit

TRACE = "0af7651916cd43dd8448eb211c80319c"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"


def samples(metrics: ModelMetrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    page, _ = metrics.page("")
    families = text_string_to_metric_families(page.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for f in families for s in f.samples}


def value(metrics: ModelMetrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


def test_nothing_is_exported_before_it_happened():
    assert samples(ModelMetrics("digits", "1.0.0")) == {}


def test_every_series_has_model_and_release_and_none_a_namespace():
    metrics = ModelMetrics("digits", "1.0.0")
    metrics.answered(3, 0.9, 4.9)
    metrics.request(200)
    metrics.feedback("1.0.0", correct=True)
    for _, labels in samples(metrics):
        names = dict(labels)
        assert names["model"] == "digits"
        assert names["release"] == "1.0.0"
        assert "namespace" not in names


def test_confidence_is_the_mean_of_the_last_answers():
    metrics = ModelMetrics("digits", "1.0.0", window=2)
    for score in (0.1, 0.5, 0.7):
        metrics.answered(1, score, 4.0)
    assert value(metrics, "model_confidence", model="digits", release="1.0.0") == pytest.approx(0.6)


def test_always_wrong_means_no_correct_series():
    metrics = ModelMetrics("digits", "1.1.0")
    metrics.feedback("1.1.0", correct=False)
    assert value(metrics, "model_feedback_total", model="digits", release="1.1.0") == 1
    assert value(metrics, "model_feedback_correct_total", model="digits", release="1.1.0") is None


def test_late_feedback_counts_for_the_release_it_names():
    metrics = ModelMetrics("digits", "1.1.0")
    metrics.feedback("1.0.0", correct=True)
    assert value(metrics, "model_feedback_correct_total", model="digits", release="1.0.0") == 1
    assert value(metrics, "model_feedback_total", model="digits", release="1.1.0") is None


def test_feedback_cannot_make_series_without_end():
    metrics = ModelMetrics("digits", "own")
    for number in range(MAX_FEEDBACK_RELEASES - 1):
        metrics.feedback(f"r{number}", correct=True)
    with pytest.raises(TooManyReleasesError):
        metrics.feedback("one-more", correct=True)
    metrics.feedback("own", correct=True)


def test_exemplar_where_openmetrics_is_asked_for():
    metrics = ModelMetrics("digits", "1.0.0")
    metrics.request(200, TRACE)
    page, content_type = metrics.page(OPENMETRICS)
    assert "openmetrics" in content_type
    assert f'# {{trace_id="{TRACE}"}} 1.0' in page.decode()
    plain, plain_type = metrics.page("")
    assert "openmetrics" not in plain_type
    assert TRACE not in plain.decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (None, None),
        ("", None),
        (f"00-{TRACE}-b7ad6b7169203331", None),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
    ],
)
def test_trace_id_of_a_traceparent(header: str | None, expected: str | None):
    assert trace_id(header) == expected
