"""One caller of the model: posts, counts, never retries."""

from __future__ import annotations

import http.client
import json
import secrets
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics

KINDS = ("predict", "feedback")
REASONS = ("status", "timeout", "connection", "answer")


class Counts:
    """Requests and errors; errors exist as 0 from the start so that "none" can be read."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "traffic_requests_total", "Requests sent, failed ones too.", ("kind",), registry=self.registry
        )
        self.errors = Counter(
            "traffic_errors_total", "Requests that failed.", ("kind", "reason"), registry=self.registry
        )
        for kind in KINDS:
            self.requests.labels(kind)
            for reason in REASONS:
                self.errors.labels(kind, reason)


@dataclass(frozen=True)
class Answer:
    """What the model said, and the release that said it."""

    release: str
    digit: int


class RequestError(Exception):
    """A request that failed, with its reason as counted."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def traceparent() -> str:
    """A new W3C trace context header."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


class Caller:
    """Posts JSON to the model, a new connection each time so that every replica gets its share."""

    def __init__(self, host: str, port: int, timeout: float, counts: Counts) -> None:
        self._address = (host, port)
        self._timeout = timeout
        self._counts = counts

    def predict(self, image: list[int]) -> Answer:
        """The model's answer for `image`; RequestError when it did not give one."""
        self._counts.requests.labels("predict").inc()
        try:
            return read_answer(self._exchange("POST", "/v1/predict", {"image": image}))
        except RequestError as error:
            self._counts.errors.labels("predict", error.reason).inc()
            raise

    def feedback(self, release: str, predicted: int, label: int) -> None:
        """Tell the true label of an earlier answer; RequestError when it was not taken."""
        body = {"release": release, "predicted": predicted, "label": label}
        self._counts.requests.labels("feedback").inc()
        try:
            self._exchange("POST", "/v1/feedback", body)
        except RequestError as error:
            self._counts.errors.labels("feedback", error.reason).inc()
            raise

    def ready(self) -> bool:
        """Whether somebody answers at the target; not counted."""
        try:
            self._exchange("GET", "/readyz", None)
        except RequestError:
            return False
        return True

    def _exchange(self, method: str, path: str, content: dict[str, Any] | None) -> Any:
        body = json.dumps(content) if content else None
        connection = http.client.HTTPConnection(*self._address, timeout=self._timeout)
        headers = {"content-type": "application/json", "connection": "close", "traceparent": traceparent()}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
        except TimeoutError as error:
            raise RequestError("timeout", str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise RequestError("connection", repr(error)) from error
        finally:
            connection.close()
        if response.status != 200:
            raise RequestError("status", f"{response.status} {text[:200]!r}")
        try:
            return json.loads(text)
        except ValueError as error:
            raise RequestError("answer", f"not JSON: {text[:200]!r}") from error


def read_answer(content: Any) -> Answer:
    """The answer in a predict response; RequestError when it is not one."""
    match content:
        case {"release": str(release), "class": int(digit)}:
            return Answer(release, digit)
    raise RequestError("answer", f"no release and class in {str(content)[:200]}")
