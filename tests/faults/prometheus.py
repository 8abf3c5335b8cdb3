"""A metrics source that answers the operator's grouped queries by what runs, as the scene of each namespace says."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

_NAMESPACE = re.compile(r'namespace="([^"]+)"')
EVENTS = 1000  # in a window, of every pod


@dataclass(frozen=True)
class Exported:
    """A pod that exports series."""

    namespace: str
    model: str
    pod: str
    release: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the scrape assigned."""
        return {"namespace": self.namespace, "model": self.model, "release": self.release}


Exports = Callable[[str], Iterable[Exported]]


class FakePrometheus:
    """Serves /api/v1/query on loopback; ``exports`` tells which pods a namespace has."""

    def __init__(self, exports: Exports, accuracy: Callable[[str], float]) -> None:
        self._exports, self._accuracy = exports, accuracy
        self.healed: set[str] = set()  # namespaces in which every release answers rightly from now on
        self.polls: Counter[str] = Counter()  # namespace to how often its signals were asked for
        self.url = ""

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_post("/api/v1/query", self._query)
        app.router.add_post("/api/v1/query_exemplars", self._exemplars)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listen no more."""
        await self._runner.cleanup()

    async def _exemplars(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": []})

    async def _query(self, request: web.Request) -> web.Response:
        query = parse_qs((await request.read()).decode())["query"][0]
        found = _NAMESPACE.search(query)
        namespace = found[1] if found else ""
        pods = list(self._exports(namespace))
        if query.endswith("]"):
            return _answer("matrix", [_series(p) for p in pods])
        if query.startswith("group by"):
            return _answer("vector", [_row({**p.labels, "pod": p.pod}, 1.0) for p in pods])
        self.polls[namespace] += 1
        return _answer("vector", self._ratio(pods, namespace in self.healed))

    def _ratio(self, pods: list[Exported], healed: bool) -> list[dict[str, Any]]:
        rows: dict[tuple[str, ...], dict[str, Any]] = {}
        for pod in pods:
            good = EVENTS if healed else self._accuracy(pod.release) * EVENTS
            for part, value in (("good", good), ("total", EVENTS), ("time", time.time())):
                labels = {**pod.labels, "knowngood_part": part}
                rows[tuple(labels.values())] = _row(labels, value)
        return list(rows.values())


def _row(labels: dict[str, str], value: float) -> dict[str, Any]:
    return {"metric": labels, "value": [time.time(), f"{value:.17g}"]}


def _series(pod: Exported) -> dict[str, Any]:
    now = time.time()
    points = [[now - 5 + i, str(100 * i)] for i in range(5)]
    return {"metric": {**pod.labels, "pod": pod.pod}, "values": points}


def _answer(kind: str, result: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"status": "success", "data": {"resultType": kind, "result": result}})
