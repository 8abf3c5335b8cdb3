"""P1: requests to Prometheus a cycle, counted by Prometheus itself, for 10, 100 and 1,000 models."""

import asyncio
import contextlib
import itertools
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import requests

from bench.exported import exported
from bench.fleet import NAMESPACE, fleet
from bench.result import Result, result
from knowngood.core.signals.scope import scoped
from knowngood.shell.board import Board
from knowngood.shell.policies import Found
from knowngood.shell.poller import Poller
from knowngood.shell.settings import Source
from knowngood.shell.sources import PrometheusSource
from lab import env as lab_env
from lab import settings as lab_settings

CYCLES = 5
SIZES = (10, 100, 1_000)
SIGNALS = 3
LONGEST = 31.0  # seconds, a little more than the longest window


def exposition(models: int, moment: float) -> str:
    """What the models' servers would export: two counters and a gauge each."""
    lines = ["# TYPE good_total counter", "# TYPE all_total counter", "# TYPE confidence gauge"]
    events = int(moment * 100)
    for i in range(models):
        labels = f'{{namespace="{NAMESPACE}",model="m{i}",release="1",pod="m{i}-0"}}'
        lines += [f"all_total{labels} {events}", f"good_total{labels} {events * 97 // 100}", f"confidence{labels} 0.9"]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def exporter(models: int) -> Iterator[int]:
    """An HTTP server that exports ``models`` models; gives its port."""
    began = time.time()
    with exported(lambda: exposition(models, time.time() - began + 1_000)) as port:
        yield port


@contextlib.contextmanager
def prometheus(target: int) -> Iterator[str]:
    """A private Prometheus that scrapes ``target`` each second; gives its URL."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: bench\n  honor_labels: true\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{target}']}}]\n"
        )
        arguments = [
            f"--config.file={config}",
            f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (Path(directory) / "log").open("wb") as log:
            process = subprocess.Popen([_binary(), *arguments], stdout=log, stderr=log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _binary() -> str:
    found = sorted(lab_settings.load().bin.glob("prometheus-*/prometheus"))
    if not found:
        raise SystemExit("no Prometheus was built yet: run `make lab` first")
    return str(found[-1])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _requests(url: str) -> int:
    """Queries that Prometheus has counted; read from its own exposition, which is no query."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as response:
        text = response.read().decode()
    lines = [x for x in text.splitlines() if x.startswith("prometheus_http_requests_total") and '"/api/v1/query"' in x]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


def _await(url: str, query: str, seconds: float) -> None:
    """Until ``query`` has an answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException):
            answer = requests.get(f"{url}/api/v1/query", params={"query": query}, timeout=5).json()
            if answer["data"]["result"]:
                return
        time.sleep(0.2)
    raise SystemExit(f"the private Prometheus has no answer to {query} after {seconds:g} s")


async def _at_first(url: str, models: int) -> int:
    """The most requests of one cycle while all series, releases and models are new."""
    poller, group, source = _poller(url, models)
    counts = [_requests(url)]
    for _ in range(4):
        await poller.poll(group, time.time())
        counts.append(_requests(url))
    source.stop()
    return max(b - a for a, b in itertools.pairwise(counts))


def _poller(url: str, models: int) -> tuple[Poller, list[Found], PrometheusSource]:
    store, policies = fleet(models)
    source = PrometheusSource("default", Source(url=url, timeout=30))
    made = Poller(store, policies, Board(), {"default": source}, lambda _: None, lambda _: None)
    return made, policies.groups()[5.0], source


async def _cycles(url: str, models: int) -> tuple[float, float]:
    """(requests a cycle, seconds a cycle) of the operator's own poller."""
    poller, group, source = _poller(url, models)
    for _ in range(2):  # release labels are learnt from two polls
        await poller.poll(group, time.time())
    before, began = _requests(url), time.monotonic()
    for _ in range(CYCLES):
        await poller.poll(group, time.time())
    took, after = time.monotonic() - began, _requests(url)
    source.stop()
    return (after - before) / CYCLES, took / CYCLES


def _peer(url: str, models: int) -> tuple[float, float]:
    """One query a model and signal, as Flagger and Argo Rollouts ask; (requests, seconds) a cycle."""
    session = requests.Session()
    before, began = _requests(url), time.monotonic()
    for i in range(models):
        for window in ("10s", "30s"):
            good, total = (f'sum(increase({m}{{model="m{i}"}}[{window}]))' for m in ("good_total", "all_total"))
            query = f"{good} / {total}"
            session.post(f"{url}/api/v1/query", data={"query": query}, timeout=30).raise_for_status()
        query = scoped(f'avg(confidence{{model="m{i}"}})', NAMESPACE)
        session.post(f"{url}/api/v1/query", data={"query": query}, timeout=30).raise_for_status()
    return _requests(url) - before, time.monotonic() - began


def run(prove: bool) -> Result:
    """Requests a cycle a distinct query, the most over all sizes."""
    lab_env.load()
    rows: list[tuple[str, str]] = []
    ratios: list[float] = []
    firsts: list[float] = []
    peer_requests = 0.0
    for models in SIZES:
        with exporter(models) as port, prometheus(port) as url:
            _await(url, f"count(increase(all_total[10s])) == {models}", 60)
            at_first = asyncio.run(_at_first(url, models))
            _await(url, f"count(all_total offset {LONGEST:g}s)", LONGEST + 60)  # more is asked of series just born
            count, took = asyncio.run(_cycles(url, models))
            peer_requests, peer_took = _peer(url, models)
            ratios.append(count / SIGNALS)
            firsts.append(at_first / SIGNALS)
            rows.append(
                (f"{models} models, requests a cycle", f"{count:g} (one a model and signal: {peer_requests:g})")
            )
            rows.append((f"{models} models, requests of the first cycles, the most", f"{at_first}"))
            faster = peer_took / took
            rows.append((f"{models} models, seconds a cycle", f"{took:.3f} (peer {peer_took:.3f}, {faster:.0f} x)"))
    ok = max(*ratios, *firsts) <= 2 and len(set(ratios)) == 1
    goal = "<= 2 requests a distinct query and cycle, the same for 10, 100 and 1,000 models"
    return result("P1", max(ratios), "requests", goal, ok, peer=peer_requests / SIGNALS, floor=1.0, rows=rows)
