"""Reading Prometheus for the observer: instant queries and the server's own request counter."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

TIMEOUT = 5.0
"""Seconds that one request may take."""

Vector = list[tuple[dict[str, str], float]]


class PrometheusError(RuntimeError):
    """Prometheus did not answer the query."""


class Prometheus:
    """One Prometheus server."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def query(self, expression: str, at: float) -> Vector:
        """The instant vector of `expression` at `at` (Unix seconds); PrometheusError otherwise."""
        body = urllib.parse.urlencode({"query": expression, "time": f"{at:.3f}"}).encode()
        answer = self._read("/api/v1/query", body)
        try:
            return parse_vector(json.loads(answer))
        except ValueError as error:
            raise PrometheusError(f"{self._url}: {error}") from error

    def queries_served(self) -> float:
        """How many queries the server has answered, by its own counter; reading it is none."""
        return count_queries(self._read("/metrics", None).decode())

    def _read(self, path: str, body: bytes | None) -> bytes:
        try:
            with urllib.request.urlopen(self._url + path, body, timeout=TIMEOUT) as response:
                content: bytes = response.read()
                return content
        except OSError as error:
            raise PrometheusError(f"{self._url}{path}: {error}") from error


def parse_vector(envelope: Any) -> Vector:
    """Labels and values of a query response; ValueError when it is no vector."""
    if envelope.get("status") != "success" or envelope["data"]["resultType"] != "vector":
        raise ValueError(f"no vector: {str(envelope)[:200]}")
    return [(series["metric"], float(series["value"][1])) for series in envelope["data"]["result"]]


def count_queries(page: str) -> float:
    """The sum of prometheus_http_requests_total over the query handlers of a metrics page."""
    handlers = ('handler="/api/v1/query"', 'handler="/api/v1/query_range"')
    lines = (line for line in page.splitlines() if line.startswith("prometheus_http_requests_total{"))
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if any(h in line for h in handlers))
