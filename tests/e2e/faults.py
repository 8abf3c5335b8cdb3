"""A proxy before Prometheus that can fail in every way that a metrics source fails."""

import gzip
import http.server
import json
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable

Answer = tuple[int, bytes]
NAN_VALUE = re.compile(rb'"value":\[([0-9.]+),"[^"]*"\]')


class FaultProxy:
    """Passes requests on to ``upstream`` unless ``mode`` says otherwise; listens on loopback."""

    MODES = ("refuse", "hang", "http500", "http429", "http403", "empty", "nan", "garbage", "cut", "warnings", "stale")

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.mode = "pass"
        self._frozen: dict[bytes, Answer] = {}
        self._release = threading.Event()
        self._server = self._listen(0)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def _listen(self, port: int) -> http.server.ThreadingHTTPServer:
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = proxy.answer(self.path, body, self.headers.get("Content-Type", ""))
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, *args: object) -> None:
                """Stay quiet."""

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that went away is no news."""

        server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def set(self, mode: str) -> None:
        """Fail in this way from now on; `pass` heals."""
        self._frozen.clear()
        was, self.mode = self.mode, mode
        if mode == "hang":
            self._release.clear()
        else:
            self._release.set()
        if mode == "refuse":
            self._close()
        elif was == "refuse":
            self._server = self._listen(self.port)

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def stop(self) -> None:
        """Listen no more."""
        self._release.set()
        if self.mode != "refuse":
            self._close()

    def answer(self, path: str, body: bytes, content_type: str) -> Answer | None:
        """What to answer; None: nothing at all."""
        change: dict[str, Callable[[], Answer | None]] = {
            "hang": self._hang,
            "http500": lambda: (500, b"internal server error"),
            "http429": lambda: (429, b"slow down"),
            "http403": lambda: (403, b"forbidden"),
            "garbage": lambda: (200, b"\x00\xff<html>it works</html>"),
            "empty": lambda: (200, json.dumps(_vector([])).encode()),
        }
        if self.mode in change:
            return change[self.mode]()
        if self.mode == "stale":
            if body not in self._frozen:
                self._frozen[body] = self._forward(path, body, content_type)
            return self._frozen[body]
        status, answered = self._forward(path, body, content_type)
        if self.mode == "nan":
            return status, NAN_VALUE.sub(rb'"value":[\1,"NaN"]', answered)
        if self.mode == "cut":
            return status, answered[: len(answered) // 2]
        if self.mode == "warnings":
            return status, json.dumps({**json.loads(answered), "warnings": ["a store did not answer"]}).encode()
        return status, answered

    def _hang(self) -> None:
        self._release.wait(60)

    def _forward(self, path: str, body: bytes, content_type: str) -> Answer:
        headers = {"Content-Type": content_type}
        request = urllib.request.Request(self.upstream + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                data = response.read()
                packed = response.headers.get("Content-Encoding") == "gzip"
                return response.status, gzip.decompress(data) if packed else data
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def _vector(rows: list[object]) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": "vector", "result": rows}}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
