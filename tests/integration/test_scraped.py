"""A real scrape: the label `namespace` that is trusted is the scrape's, whatever a target says of itself."""

import contextlib
import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.exported import exported
from knowngood.core.signals import inputs
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.request import Ask, Request
from knowngood.core.signals.sample import Sample
from tests.integration import prometheus as p

pytestmark = pytest.mark.integration
PAGE = """# TYPE x_total counter
x_total{{namespace="victim",model="digits",release="1"}} {0}
# TYPE score histogram
score_bucket{{model="digits",release="1",le="1"}} {0}
score_bucket{{model="digits",release="1",le="+Inf"}} {1}
score_sum{{model="digits",release="1"}} {0}
score_count{{model="digits",release="1"}} {1}
"""


@contextlib.contextmanager
def target() -> Iterator[int]:
    """A target that claims another namespace; each scrape finds 10 events and 20 observations more."""
    scraped = 0

    def page() -> str:
        nonlocal scraped
        scraped += 1
        return PAGE.format(scraped * 10, scraped * 20)

    with exported(page) as port:
        yield port


def test_the_namespace_is_the_scrapes_and_converted_histograms_are_read(tmp_path: Path) -> None:
    ask = {ns: Ask(ns, ("model", "namespace", "release"), 1.0, whole=False) for ns in ("vision", "victim")}
    events = inputs.MODELS["events"].model_validate({"metric": "x_total", "window": "2s"})
    scores = inputs.MODELS["histogram"].model_validate({"metric": "score", "window": "2s"})
    with target() as port:
        targets = [{"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": "vision"}}]
        job = {"job_name": "models", "static_configs": targets, "convert_classic_histograms_to_nhcb": True}
        with p.running(tmp_path, [job]) as source:
            (found,) = _await(source, inputs.request("events", events, ask["vision"]))
            assert found.labels["namespace"] == "vision"
            (found,) = _await(source, inputs.request("histogram", scores, ask["vision"]))
            assert found.buckets is not None
            assert found.buckets.edges == (1.0, math.inf)
            first, second = found.buckets.counts
            assert 0 < first == pytest.approx(second, abs=1), "rounded, since a sliding window is extrapolated"
            stolen = inputs.request("events", events, ask["victim"])
            assert source.ask(stolen.query, time.time()).rows == ()


def _await(source: p.Prometheus, request: Request) -> list[Sample]:
    """The samples as soon as there are any that can be judged."""
    end = time.monotonic() + 20
    while True:
        now = time.time()
        found = request.decoder(source.ask(request.query, now).rows, now, 30)
        if found and found[0].state is DataState.OK:
            return found
        assert time.monotonic() < end, "nothing was scraped"
        time.sleep(0.1)
