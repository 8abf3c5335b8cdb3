"""Metrics sources: the administrator's Prometheus servers, asked within a deadline and a size, once.

prometheus-api-client's session is used with a form body, because its own query methods put the query into the URL,
drop warnings, retry behind the caller's back and may wait for ever.
"""

import asyncio
import functools
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
import requests
from prometheus_api_client import PrometheusConnect
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from knowngood.core.signals.answer import Answer, DataState, Known, failed, parse_answer
from knowngood.shell import metrics
from knowngood.shell.settings import Source

MAX_ANSWER_BYTES = 32 * 1024 * 1024  # of 10,000 models' ratios about 11; read, it takes several times as much
_CHUNK = 256 * 1024
_EXEMPLAR_BYTES = 4 * 1024 * 1024


class MetricsSource(Protocol):
    """What can be polled. Never raises for want of an answer; failures are in the answer's state."""

    async def query(self, text: str, timeout: float | None = None, at: float | None = None) -> Answer:
        """Evaluate an instant query, now or ``at`` a time (seconds since the epoch)."""

    async def query_range(
        self, text: str, start: float, end: float, step: float, timeout: float | None = None
    ) -> Answer:
        """Evaluate ``text`` from ``start`` to ``end`` each ``step`` seconds."""


class TooLargeError(Exception):
    """An answer beyond the size that is read."""


class PrometheusSource(PrometheusConnect):  # type: ignore[misc]
    """One source; its methods block, so they are called through a bounded pool."""

    def __init__(self, name: str, source: Source) -> None:
        session = requests.Session()
        session.trust_env = False
        session.verify = _verification(source)
        if source.tls.cert_file:
            session.cert = (source.tls.cert_file, source.tls.key_file or source.tls.cert_file)
        session.headers["Accept-Encoding"] = "identity"  # to compress costs the source more than the network saves
        session.headers.update(source.headers)
        super().__init__(
            url=source.url.rstrip("/"),
            session=session,
            retry=Retry(0, redirect=False),
            timeout=source.timeout,
        )
        adapter = _adapter(source)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        session.mount(self.url, adapter)
        self.name = name
        self.source = source
        self._known, self._reading = Known(), threading.Lock()  # equal labels are one group to all threads
        self.pool = ThreadPoolExecutor(source.max_concurrency, thread_name_prefix=f"source-{name}")

    async def query(self, text: str, timeout: float | None = None, at: float | None = None) -> Answer:
        """Evaluate an instant query, now or ``at`` a time. Never raises; failures are in the answer's state."""
        return await self._run("query", {"query": text} if at is None else {"query": text, "time": at}, timeout)

    async def query_range(
        self, text: str, start: float, end: float, step: float, timeout: float | None = None
    ) -> Answer:
        """Evaluate ``text`` from ``start`` to ``end`` (seconds since the epoch) each ``step`` seconds."""
        return await self._run("query_range", {"query": text, "start": start, "end": end, "step": step}, timeout)

    async def exemplars(self, text: str, start: float, end: float, timeout: float) -> list[dict[str, Any]]:
        """Exemplars of the series in ``text``; an empty list where the source has none or does not answer."""
        loop = asyncio.get_running_loop()
        call = functools.partial(self._exemplars, {"query": text, "start": start, "end": end}, timeout)
        return await loop.run_in_executor(self.pool, call)

    def stop(self) -> None:
        """Release the threads and connections."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.close()

    async def _run(self, endpoint: str, form: Mapping[str, object], timeout: float | None) -> Answer:
        limit = min(timeout or self.source.timeout, self.source.timeout)
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        try:
            async with asyncio.timeout(limit + 1.0):
                answer = await loop.run_in_executor(self.pool, self._ask, endpoint, form, limit)
        except TimeoutError:
            answer = failed(DataState.TIMEOUT, f"no answer within {limit:g}s")
        metrics.SOURCE_REQUESTS.labels(self.name, answer.state.value).inc()
        metrics.SOURCE_SECONDS.labels(self.name).observe(time.monotonic() - began)
        return answer

    def _ask(self, endpoint: str, form: Mapping[str, object], limit: float) -> Answer:
        try:
            status, body = self._post(endpoint, form, limit, MAX_ANSWER_BYTES)
        except requests.exceptions.Timeout:
            return failed(DataState.TIMEOUT, f"no answer within {limit:g}s")
        except TooLargeError:
            return failed(DataState.GARBAGE, f"an answer of more than {MAX_ANSWER_BYTES >> 20} MiB")
        except (requests.exceptions.RequestException, OSError) as error:
            return failed(DataState.UNREACHABLE, f"{type(error).__name__}: no answer from the source {self.name}")
        with self._reading:
            return parse_answer(status, body, str(form["query"]), self._known)

    def _post(self, endpoint: str, form: Mapping[str, object], limit: float, most: int) -> tuple[int, bytes]:
        deadline = time.monotonic() + limit
        with self._session.post(
            f"{self.url}/api/v1/{endpoint}",
            data=form,
            params=self.source.params,
            headers=self._authorization(),
            auth=self._basic(),
            timeout=limit,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if time.monotonic() > deadline:
                    raise requests.exceptions.ReadTimeout
                if len(body) > most:
                    raise TooLargeError
            return response.status_code, bytes(body)

    def _exemplars(self, form: Mapping[str, object], limit: float) -> list[dict[str, Any]]:
        try:
            status, body = self._post("query_exemplars", form, limit, _EXEMPLAR_BYTES)
            data = orjson.loads(body)["data"] if status == 200 else []
            return [e for series in data for e in series["exemplars"]]
        except (
            requests.exceptions.RequestException,
            OSError,
            TooLargeError,
            ValueError,
            KeyError,
            TypeError,
        ):
            return []

    def _authorization(self) -> dict[str, str]:
        token_file = self.source.auth.bearer_token_file if self.source.auth else None
        return {"Authorization": f"Bearer {_read(token_file)}"} if token_file else {}

    def _basic(self) -> tuple[str, str] | None:
        basic = self.source.auth.basic if self.source.auth else None
        return (basic.username, _read(basic.password_file)) if basic else None


def _read(path: str) -> str:
    """A credential, read at each use: mounted Secrets are rotated in place."""
    return Path(path).read_text(encoding="utf-8").strip()


def _verification(source: Source) -> bool | str:
    if source.tls.insecure_skip_verify:
        return False
    return source.tls.ca_file or True


class _NamedAdapter(HTTPAdapter):
    """Checks the server's certificate for another name than the URL's host."""

    def __init__(self, server_name: str, **kwargs: Any) -> None:
        self._server_name = server_name
        super().__init__(**kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(server_hostname=self._server_name, assert_hostname=self._server_name)
        super().init_poolmanager(*args, **kwargs)


def _adapter(source: Source) -> HTTPAdapter:
    size: dict[str, Any] = {
        "pool_connections": 1,
        "pool_maxsize": source.max_concurrency,
        "max_retries": Retry(0),
    }
    if source.tls.server_name and urlsplit(source.url).scheme == "https":
        return _NamedAdapter(source.tls.server_name, **size)
    return HTTPAdapter(**size)
