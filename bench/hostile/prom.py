"""A Prometheus that answers what it is told to, and keeps every query that reaches it."""

import http.server
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Labels = dict[str, str]
Values = Callable[[str], list[tuple[Labels, float]]]
_NAMESPACE = re.compile(r'namespace="([a-z0-9-]+)"')
PARTS = ("good", "total", "value", "samples", *(f"time{i}" for i in range(8)), "time")
EVENTS = 1_000.0


@dataclass
class FakePrometheus:
    """``values`` gives a namespace's series: labels, and the value (0 to 1) that each query finds there."""

    values: Values
    url: str = ""
    asked: dict[str, int] = field(default_factory=dict)

    def answer(self, endpoint: str, query: str) -> Any:
        """What a query finds."""
        self.asked[query] = self.asked.get(query, 0) + 1
        found = _NAMESPACE.search(query)
        series = self.values(found[1]) if found else []
        now = time.time()
        if endpoint.endswith("query_exemplars"):
            exemplar = {"labels": {"trace_id": "t" * 32}, "value": "1", "timestamp": now}
            return [{"seriesLabels": labels, "exemplars": [exemplar]} for labels, _ in series[:3]]
        if query.endswith("]"):
            points: list[list[Any]] = [[now - 15 * i, "0.5"] for i in range(20)][::-1]
            raw = [{"metric": labels, "values": points} for labels, _ in series[:3]]
            return {"resultType": "matrix", "result": raw}
        if query.startswith("group by"):
            return {"resultType": "vector", "result": [{"metric": s, "value": [now, "1"]} for s, _ in series]}
        parts = [part for part in PARTS if f'"knowngood_part", "{part}"' in query]
        rows: list[dict[str, Any]] = [
            {"metric": {**labels, "knowngood_part": part}, "value": [now, _value(part, value, now)]}
            for labels, value in series
            for part in parts
        ]
        return {"resultType": "vector", "result": rows}


def _value(part: str, value: float, now: float) -> str:
    if part.startswith("time"):
        return str(now)
    return {"good": str(value * EVENTS), "total": str(EVENTS), "samples": str(EVENTS)}.get(part, str(value))


@contextmanager
def running(values: Values) -> Iterator[FakePrometheus]:
    """One on a free loopback port."""
    fake = FakePrometheus(values)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
            data = fake.answer(self.path.partition("?")[0], form["query"][0])
            body = json.dumps({"status": "success", "data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Stay quiet."""

    with serving(Handler) as port:
        fake.url = f"http://127.0.0.1:{port}"
        yield fake


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """An HTTP server on a free loopback port; gives the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
