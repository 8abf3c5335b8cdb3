"""The digits model over HTTP, in a real server on loopback."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from lab.model.app import Model, build_app
from lab.model.metrics import ModelMetrics
from lab.model.network import PIXELS, WHITE, Network, decode
from lab.model.serve import load

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


def network() -> Network:
    """Answers the class whose pixel (of the first ten) is brightest."""
    return Network([np.eye(PIXELS)[:, :10] * 20], [np.zeros(10)])


class Telling(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Running:
    """A server on a free loopback port."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._server = Telling(uvicorn.Config(build_app(model), port=0, log_level="error"))
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> "Running":
        self._thread.start()
        assert self._server.listening.wait(10)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body if isinstance(body, str) else json.dumps(body))
            response = connection.getresponse()
            content = response.read().decode()
            as_json = "json" in (response.getheader("content-type") or "")
            return response.status, json.loads(content) if as_json else content, dict(response.getheaders())
        finally:
            connection.close()


@pytest.fixture
def server() -> Iterator[Running]:
    with Running(Model("1.0.0", "rows", network(), ModelMetrics("digits", "1.0.0"))) as running:
        yield running


def picture(digit: int) -> list[int]:
    image = [0] * PIXELS
    image[digit] = int(WHITE)
    return image


def test_predict_answers_class_confidence_release_and_id(server: Running):
    status, answer, _ = server.request("POST", "/v1/predict", {"image": picture(7)})
    assert status == 200
    assert (answer["class"], answer["release"]) == (7, "1.0.0")
    assert answer["confidence"] > 0.99
    other = server.request("POST", "/v1/predict", {"image": picture(7)})[1]
    assert answer["id"] != other["id"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"image": [1, 2]}, "a list of 64 numbers"),
        ({"image": [17] * PIXELS}, "within 0 and 16"),
        ({"image": [True] * PIXELS}, "within 0 and 16"),
        ({"image": ["1"] * PIXELS}, "within 0 and 16"),
        ([], "a list of 64 numbers"),
        ("no json", "JSON is needed"),
        ('{"image": [' + "NaN," * 63 + "NaN]}", "within 0 and 16"),
    ],
)
def test_a_bad_image_is_refused_and_counted(server: Running, body: Any, said: str):
    status, answer, _ = server.request("POST", "/v1/predict", body)
    assert status == 400
    assert said in answer["error"]
    page = server.request("GET", "/metrics")[1]
    assert 'model_requests_total{code="400",model="digits",release="1.0.0"} 1.0' in page


def test_feedback_for_another_release_counts_for_it(server: Running):
    body = {"release": "0.9.0", "predicted": 3, "label": 3}
    assert server.request("POST", "/v1/feedback", body)[:2] == (200, {"correct": True})
    page = server.request("GET", "/metrics")[1]
    assert 'model_feedback_correct_total{model="digits",release="0.9.0"} 1.0' in page
    assert 'model_feedback_total{model="digits",release="1.0.0"}' not in page


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"release": ""}, "release"),
        ({"release": 'a"b'}, "release"),
        ({"label": 10}, "label"),
        ({"predicted": None}, "predicted"),
        ({"label": True}, "label"),
    ],
)
def test_bad_feedback_is_refused(server: Running, change: dict[str, Any], field: str):
    body = {"release": "1.0.0", "predicted": 3, "label": 3} | change
    status, answer, _ = server.request("POST", "/v1/feedback", body)
    assert status == 400
    assert answer["error"].startswith(field)


def test_while_draining_it_serves_unready_and_closes_connections(server: Running):
    assert server.request("GET", "/readyz")[0] == 200
    server.model.draining = True
    status, _, headers = server.request("POST", "/v1/predict", {"image": picture(1)})
    assert status == 200
    assert headers["connection"] == "close"
    assert server.request("GET", "/readyz")[0] == 503
    assert server.request("GET", "/healthz")[0] == 200


def test_columns_for_rows_is_the_transposed_image():
    image = np.arange(PIXELS) % 17 * 1.0
    rows, columns = decode(image, "rows"), decode(image, "columns")
    assert (columns.reshape(8, 8) == rows.reshape(8, 8).T).all()
    assert rows.max() == 1.0


def test_a_saved_network_answers_the_same(tmp_path: Path):
    rng = np.random.default_rng(1)
    saved = Network([rng.normal(size=(64, 8)), rng.normal(size=(8, 10))], [rng.normal(size=8), np.zeros(10)])
    saved.save(tmp_path / "model.npz")
    inputs = rng.random((5, 64))
    again = Network.load(tmp_path / "model.npz").probabilities(inputs)
    assert np.array_equal(saved.probabilities(inputs), again)
    assert np.allclose(again.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("version", "least", "most"), [("1.0.0", 0.95, 0.98), ("1.1.0", 0.0, 0.7), ("1.2.0", 0.975, 1.0)]
)
def test_releases_are_as_good_as_their_story_needs(version: str, least: float, most: float, tmp_path: Path):
    from lab.model.releases import release_of
    from lab.model.train import train

    metadata = train(release_of(version), tmp_path)
    assert metadata["accuracy"] >= 0.95, "the offline evaluation shows nothing wrong in any release"
    held_out = json.loads((tmp_path / "heldout.json").read_text())
    model = load(tmp_path, "digits")
    inputs = np.array([decode(np.array(image, float), model.decoder) for image in held_out["images"]])
    served = (model.network.probabilities(inputs).argmax(axis=1) == held_out["labels"]).mean()
    assert least <= served <= most


def test_sigterm_goes_on_serving_before_it_stops(tmp_path: Path):
    network().save(tmp_path / "model.npz")
    (tmp_path / "metadata.json").write_text('{"release": "1.0.0", "decoder": "rows"}')
    assert load(tmp_path, "digits").release == "1.0.0"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {
        "MODEL_DIR": str(tmp_path), "HOST": "127.0.0.1", "PORT": str(port), "DRAIN_SECONDS": "1.5",
    }  # fmt: skip
    command = [sys.executable, "-m", "lab.model.serve"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE)
    try:
        assert until(lambda: get(port, "/readyz") == 200)
        process.send_signal(signal.SIGTERM)
        assert until(lambda: get(port, "/readyz") == 503)
        assert get(port, "/healthz") == 200
        assert process.wait(10) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.communicate()


def get(port: int, path: str) -> int:
    """The status, 0 where nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except ConnectionError:
        return 0
    finally:
        connection.close()


def until(so: Any, tries: int = 500) -> bool:
    pause = threading.Event()
    return any(so() or pause.wait(0.02) for _ in range(tries))
