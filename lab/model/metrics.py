"""What the model exports to Prometheus: what it said, how sure it was, and how right."""

from __future__ import annotations

import re
from collections import deque

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder

LABELS = ("model", "release")
SCORE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
MEAN_BUCKETS = tuple(2 + 0.5 * step for step in range(13))
MAX_FEEDBACK_RELEASES = 16
"""How many releases feedback may name: it comes from outside and must not grow memory without end."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def trace_id(traceparent: str | None) -> str | None:
    """The trace id of a W3C `traceparent` header; None when there is none or it is malformed."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    return match["trace"] if match else None


class TooManyReleasesError(ValueError):
    """Feedback named more releases than are kept apart."""


class ModelMetrics:
    """The metrics of one server; every series carries the labels model and release."""

    def __init__(self, model: str, release: str, window: int = 200) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self._names = (model, release)
        self._feedback_releases = {release}
        self._recent: deque[float] = deque(maxlen=window)
        reg = self.registry
        self._requests = Counter("model_requests_total", "Predictions asked for.", (*LABELS, "code"), registry=reg)
        self._predictions = Counter("model_predictions_total", "Answers by class.", (*LABELS, "class"), registry=reg)
        self._score = Histogram(
            "model_score", "Probability of the answered class.", LABELS, buckets=SCORE_BUCKETS, registry=reg
        )
        self._confidence = Gauge(
            "model_confidence", f"Mean probability of the last {window} answers.", LABELS, registry=reg
        )
        self._input_mean = Histogram(
            "model_input_mean",
            "Mean pixel of the images, 0 to 16.",
            LABELS,
            buckets=MEAN_BUCKETS,
            registry=reg,
        )
        self._feedback = Counter("model_feedback_total", "Answers whose true label became known.", LABELS, registry=reg)
        self._correct = Counter("model_feedback_correct_total", "Those of them that were right.", LABELS, registry=reg)

    def request(self, code: int, trace: str | None = None) -> None:
        """Count one answered prediction request by its status code."""
        exemplar = {"trace_id": trace} if trace else None
        self._requests.labels(*self._names, str(code)).inc(1, exemplar)

    def answered(self, answer: int, score: float, input_mean: float) -> None:
        """Record one prediction: its class, its probability and its input's mean pixel."""
        self._recent.append(score)
        self._predictions.labels(*self._names, str(answer)).inc()
        self._score.labels(*self._names).observe(score)
        self._confidence.labels(*self._names).set(sum(self._recent) / len(self._recent))
        self._input_mean.labels(*self._names).observe(input_mean)

    def feedback(self, release: str, correct: bool) -> None:
        """Record a true label for an answer of `release`, which need not be the one served here."""
        if release not in self._feedback_releases:
            if len(self._feedback_releases) >= MAX_FEEDBACK_RELEASES:
                raise TooManyReleasesError(f"feedback for more than {MAX_FEEDBACK_RELEASES} releases")
            self._feedback_releases.add(release)
        self._feedback.labels(self._names[0], release).inc()
        if correct:
            self._correct.labels(self._names[0], release).inc()

    def page(self, accept: str) -> tuple[bytes, str]:
        """The metrics page and its content type, OpenMetrics (with exemplars) where `accept` asks for it."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type
