"""A metrics source over real HTTP on loopback: every failure is a state, within the deadline; nothing is followed."""

import http.server
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from knowngood.core.signals.answer import DataState
from knowngood.core.signals.rows import Rows
from knowngood.shell.settings import Auth, Source
from knowngood.shell.sources import PrometheusSource

GOOD = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}}'
Handle = Callable[[http.server.BaseHTTPRequestHandler, bytes], None]


class Server:
    """An HTTP server whose answer a test decides; remembers what it was asked."""

    def __init__(self) -> None:
        self.handle: Handle = lambda h, _: reply(h, 200, GOOD)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.asked.append((self.path, dict(self.headers), body))
                server.handle(self, body)

            do_GET = do_POST

            def log_message(self, *args: object) -> None:
                """Stay quiet."""

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def reply(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def source(server: Server, **settings: object) -> PrometheusSource:
    return PrometheusSource("default", Source(**{"url": server.url, "timeout": 0.5, **settings}))


async def test_the_query_travels_in_the_body_and_not_in_the_url(server: Server) -> None:
    answer = await source(server, params={"tenant": "x"}, headers={"X-Scope-OrgID": "team"}).query("up")
    ((path, headers, body),) = server.asked
    assert answer.state is DataState.OK
    assert answer.rows[0].value == 2
    assert path == "/api/v1/query?tenant=x"
    assert body == b"query=up"
    assert headers["X-Scope-OrgID"] == "team"


async def test_a_token_is_read_at_each_use(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    asked = source(server, auth=Auth(bearer_token_file=str(token)))
    await asked.query("up")
    token.write_text("two\n")
    await asked.query("up")
    assert [h["Authorization"] for _, h, _ in server.asked] == ["Bearer one", "Bearer two"]


async def test_a_redirect_is_not_followed(server: Server) -> None:
    other = Server()
    server.handle = lambda h, _: reply(h, 307, b"", Location=other.url + "/api/v1/query")
    answer = await source(server).query("up")
    assert answer.state is DataState.BAD_QUERY
    assert other.asked == []
    other.stop()


async def test_a_source_that_hangs_is_a_timeout(server: Server) -> None:
    held = threading.Event()
    server.handle = lambda *_: held.wait(5) and None
    began = time.monotonic()
    answer = await source(server).query("up")
    assert answer.state is DataState.TIMEOUT
    assert time.monotonic() - began < 2
    held.set()


async def test_a_source_that_drips_for_ever_is_a_timeout(server: Server) -> None:
    def drip(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.end_headers()
        held = threading.Event()
        try:
            while not held.wait(0.1):
                handler.wfile.write(b" " * 300_000)
        except OSError:
            return

    server.handle = drip
    began = time.monotonic()
    answer = await source(server).query("up")
    assert answer.state is DataState.TIMEOUT
    assert time.monotonic() - began < 2


async def test_a_closed_port_is_unreachable_and_is_asked_once(server: Server) -> None:
    asked = source(server)
    server.stop()
    answer = await asked.query("up")
    assert answer.state is DataState.UNREACHABLE


async def test_failures_are_not_retried(server: Server) -> None:
    server.handle = lambda h, _: reply(h, 503, b"busy")
    answer = await source(server).query("up")
    assert answer.state is DataState.UNAVAILABLE
    assert len(server.asked) == 1


class Canned(PrometheusSource):
    """Answers every query with the same series."""

    def _post(self, endpoint: str, form: Mapping[str, object], limit: float, most: int) -> tuple[int, bytes]:
        names = [{"knowngood_part": p, "model": f"m{i}"} for p in ("good", "total") for i in range(400)]
        rows = [{"metric": name, "value": [1, "1"]} for name in names]
        return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}}).encode()


def test_answers_that_come_at_once_agree_on_who_is_who() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            source = Canned("default", Source(url="http://127.0.0.1:1"))
            forms = [{"query": str(number)} for number in range(8)]
            answers = list(source.pool.map(source._ask, ["query"] * 8, forms, [9.0] * 8))
            source.stop()
            for answer in answers:
                arranged = Rows.of(answer.rows).arrangement
                assert (arranged.rows("good", arranged.part("total").groups) >= 0).all()
    finally:
        sys.setswitchinterval(before)
