"""The traffic: steady, honest about failures, and telling the truth a moment later."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab.demo.traffic import Counted, read_page
from lab.traffic.client import Answer, Caller, Counts, RequestError, traceparent
from lab.traffic.pace import Pace
from lab.traffic.settings import Settings, SettingsError, load
from lab.traffic.traffic import Traffic, read_images

pytestmark = pytest.mark.integration


class Scripted(ThreadingHTTPServer):
    """A model whose answer the test writes; remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.answer: bytes | None = b'{"class": 4, "release": "1.0.0"}'
        self.hang = threading.Event()
        self.hang.set()
        self.asked: list[tuple[str, Any]] = []
        self.told = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """A caller that gave up is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        self._reply(200, b"{}")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, body))
        self.server.hang.wait(10)
        if self.server.answer is not None:
            self._reply(self.server.status, self.server.answer)
        if self.path == "/v1/feedback":
            self.server.told.set()

    def _reply(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def model() -> Iterator[Scripted]:
    with Scripted() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.hang.set()
        server.shutdown()
        thread.join()


def errors(counts: Counts) -> dict[tuple[str, str], float]:
    samples = (s for family in counts.errors.collect() for s in family.samples)
    return {(s.labels["kind"], s.labels["reason"]): s.value for s in samples if s.value}


def requests(counts: Counts, kind: str) -> float | None:
    return counts.registry.get_sample_value("traffic_requests_total", {"kind": kind})


def caller(model: Scripted, counts: Counts, timeout: float = 5.0) -> Caller:
    return Caller("127.0.0.1", model.server_address[1], timeout, counts)


def test_an_answer_is_read_and_counted(model: Scripted):
    counts = Counts()
    assert caller(model, counts).predict([0] * 64) == Answer("1.0.0", 4)
    assert requests(counts, "predict") == 1
    assert errors(counts) == {}


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (500, b"{}", "status"),
        (204, b"", "status"),
        (503, b'{"class": 4, "release": "1.0.0"}', "status"),
        (200, b"<html>", "answer"),
        (200, b'{"class": "4", "release": "1.0.0"}', "answer"),
        (200, b"[]", "answer"),
        (200, None, "connection"),
    ],
)
def test_anything_but_a_good_answer_is_an_error_sent_once(
    model: Scripted, status: int, answer: bytes | None, reason: str
):
    model.status, model.answer = status, answer
    counts = Counts()
    with pytest.raises(RequestError):
        caller(model, counts).predict([0] * 64)
    assert errors(counts) == {("predict", reason): 1}
    assert len(model.asked) == 1


def test_a_hanging_server_is_a_timeout(model: Scripted):
    model.hang.clear()
    counts = Counts()
    with pytest.raises(RequestError):
        caller(model, counts, timeout=0.1).feedback("1.0.0", 4, 4)
    assert errors(counts) == {("feedback", "timeout"): 1}


def test_nobody_there_is_a_connection_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        counts = Counts()
        nobody = Caller("127.0.0.1", taken.getsockname()[1], 1.0, counts)
        assert not nobody.ready()
        with pytest.raises(RequestError):
            nobody.predict([0] * 64)
    assert errors(counts) == {("predict", "connection"): 1}


def test_errors_are_exported_as_zero_from_the_start():
    counts = Counts()
    labels = {"kind": "predict", "reason": "status"}
    assert counts.registry.get_sample_value("traffic_errors_total", labels) == 0


def test_traffic_asks_and_tells_the_truth_of_the_release_that_answered(model: Scripted):
    counts = Counts()
    settings = Settings("127.0.0.1", model.server_address[1], rate=200, feedback_after=0.01, workers=4)
    traffic = Traffic(settings, [([1] * 64, 7)], caller(model, counts))
    running = threading.Thread(target=traffic.run)
    running.start()
    assert model.told.wait(10)
    traffic.stop()
    running.join(10)
    assert not running.is_alive()
    paths = dict(model.asked)
    assert paths["/v1/predict"] == {"image": [1] * 64}
    assert paths["/v1/feedback"] == {"release": "1.0.0", "predicted": 4, "label": 7}
    assert errors(counts) == {}


def test_pace_is_an_open_loop():
    pace = Pace(rate=4, start=100.0)
    assert pace.wait(100.0) == 0
    pace.sent()
    assert pace.wait(100.0) == 0.25
    assert pace.wait(103.0) == 0, "late requests follow at once, none is left out"
    for _ in range(12):
        pace.sent()
    assert pace.wait(103.0) == 0.25


def test_settings_find_the_service_by_its_variables():
    settings = load({"DIGITS_SERVICE_HOST": "10.0.0.7", "DIGITS_SERVICE_PORT": "80", "RATE": "12.5"})
    assert (settings.host, settings.port, settings.rate) == ("10.0.0.7", 80, 12.5)


def test_a_target_url_comes_first():
    settings = load({"TARGET_URL": "http://127.0.0.1:8080", "DIGITS_SERVICE_HOST": "10.0.0.7"})
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "DIGITS_SERVICE_HOST is not set"),
        ({"TARGET_URL": "ftp://x"}, "TARGET_URL='ftp://x': write it as http://host:port"),
        ({"TARGET_URL": "http://x", "RATE": "much"}, "RATE='much': a number above 0"),
        ({"TARGET_URL": "http://x", "RATE": "-1"}, "RATE='-1'"),
        ({"TARGET_URL": "http://x", "TIMEOUT_SECONDS": "nan"}, "TIMEOUT_SECONDS='nan'"),
    ],
)
def test_bad_settings_say_what_to_write(env: dict[str, str], said: str):
    with pytest.raises(SettingsError) as error:
        load(env)
    assert said in str(error.value)


def test_images_are_read_with_their_labels(tmp_path: Path):
    file = tmp_path / "heldout.json"
    file.write_text('{"images": [[1, 2], [3, 4]], "labels": [7, 8]}')
    assert read_images(file) == [([1, 2], 7), ([3, 4], 8)]


def test_every_request_has_its_own_trace():
    one, other = traceparent(), traceparent()
    assert one != other
    assert len(one) == 55


def test_the_demo_reads_the_counts_over_all_kinds_and_reasons():
    page = """
# TYPE traffic_requests_total counter
traffic_requests_total{kind="predict"} 396.0
traffic_requests_total{kind="feedback"} 356.0
# TYPE traffic_errors_total counter
traffic_errors_total{kind="predict",reason="status"} 1.0
traffic_errors_total{kind="feedback",reason="timeout"} 2.0
"""
    assert read_page(page) == Counted(752, 3)
