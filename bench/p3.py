"""P3: a poll cycle over 10,000 models and six signals, beside what Prometheus itself takes to answer those queries.

The floor asks the same six queries in the same way, at once, and drops the answers. Ours is the operator's own poller
over the same Prometheus in the same run, after the cycles in which it learns what there is. Both take turns.
"""

import asyncio
import gc
import http.client
import statistics
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.cost import Cost, Meter
from bench.filled import Series, Served, filled
from bench.fleet import NAMESPACE, below, fleet, judged
from bench.result import Result, result
from knowngood.api.observed import Verdict
from knowngood.shell.board import Board
from knowngood.shell.main import COLLECT
from knowngood.shell.poller import Poller
from knowngood.shell.settings import Source
from knowngood.shell.sources import PrometheusSource

MODELS, WARM, CYCLES = 10_000, 3, 5
INTERVAL = 15.0
BACK, AHEAD = 600.0, 300.0  # seconds of samples before and after the start
GOAL_TIMES, GOAL_SECONDS = 1.5, 0.7
_SAMPLES = "sum by (namespace, model, release) (increase(all_total[1m]))"


def signals() -> list[dict[str, Any]]:
    """Three inputs and two detectors, all judged at every poll."""
    ratio = {"good": "good_total", "total": "all_total", "window": "1m"}
    leaks = {"metric": "pii_total", "exposure": "all_total", "window": "1m"}
    return [
        below("accuracy", 0.9, 50, ratio=ratio),
        below("accuracy-long", 0.9, 50, ratio={**ratio, "window": "2m"}),
        below("answered", 0.5, 50, ratio={**ratio, "good": "answered_total"}),
        below("confidence", 0.5, 50, promql={"query": _mean("confidence"), "samples": _SAMPLES}),
        below("similarity", 0.5, promql={"query": _mean("similarity")}),
        judged("leaks", {"occurrence": {}}, events=leaks),
    ]


def _mean(metric: str) -> str:
    return f"avg by (namespace, model, release) ({metric})"


RATES = {"all_total": 10.0, "good_total": 9.7, "answered_total": 9.9, "pii_total": 0.0}
LEVELS = {"confidence": 0.9, "similarity": 0.8, "up": 1.0}


def families(models: int, start: float, step: float = 15.0, ahead: float = AHEAD) -> Mapping[str, Iterator[Series]]:
    """What the models' servers exported around ``start``, scraped each ``step`` seconds."""
    moments = [start - BACK + n * step for n in range(int((BACK + ahead) / step) + 1)]
    return {metric: _series(metric, models, moments, step) for metric in (*RATES, *LEVELS)}


def _series(metric: str, models: int, moments: list[float], step: float) -> Iterator[Series]:
    for i in range(models):
        own = "" if metric == "up" else f',model="m{i}",release="1",pod="m{i}-0"'
        labels = f'namespace="{NAMESPACE}",job="models",instance="10.0.{i >> 8}.{i & 255}:80"{own}'
        phase = i % 1000 / 1000 * step  # targets are not scraped at one moment
        rate = RATES.get(metric)
        if rate is None:
            yield labels, [(at + phase, LEVELS[metric]) for at in moments]
        else:
            yield labels, [(at + phase, 1_000 + rate * n * step) for n, at in enumerate(moments)]


def answered(url: str, queries: list[str]) -> None:
    """Ask all queries at once and drop the answers."""
    host = urlsplit(url).netloc

    def ask(query: str) -> None:
        connection = http.client.HTTPConnection(host, timeout=60)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/api/v1/query", urlencode({"query": query}), headers)
        response = connection.getresponse()
        buffer = bytearray(1 << 20)
        while response.readinto(buffer):
            pass
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, queries))


async def _run(served: Served) -> tuple[list[Cost], list[Cost], dict[str, int]]:
    store, policies = fleet(MODELS, signals(), f"{INTERVAL:g}s")
    source, board, meter = PrometheusSource("default", Source(url=served.url, timeout=60)), Board(), Meter(served)
    poller = Poller(store, policies, board, {"default": source}, lambda _: None, lambda _: None)
    queries = [s.mostly or s.query for compiled, _ in policies.groups()[INTERVAL] for s in compiled.signals]
    ours, floor = list[Cost](), list[Cost]()
    tick = time.time() // INTERVAL * INTERVAL
    for number in range(WARM + CYCLES):
        meter.begin()
        await asyncio.to_thread(answered, served.url, queries)
        floor.append(meter.end())
        meter.begin()
        await poller.cycle(INTERVAL, policies.groups()[INTERVAL], tick + number * INTERVAL)
        ours.append(meter.end())
    source.stop()
    return ours[WARM:], floor[WARM:], board.verdicts()


def run(prove: bool) -> Result:
    """CPU seconds of ours a cycle, and how many times what Prometheus takes a cycle costs."""
    gc.set_threshold(*COLLECT)
    with filled(families(MODELS, time.time())) as served:
        ours, floor, verdicts = asyncio.run(_run(served))
    healthy, total = verdicts[Verdict.HEALTHY.value], sum(verdicts.values())
    seconds = statistics.median(c.ours for c in ours)
    wall, least = (statistics.median(c.wall for c in found) for found in (ours, floor))
    theirs, needed = (statistics.mean(c.theirs for c in found) for found in (ours, floor))
    times, cpu_times = wall / least, (seconds + theirs) / needed
    ok = seconds <= GOAL_SECONDS and max(times, cpu_times) <= GOAL_TIMES and healthy == total == 6 * MODELS
    rows = [
        ("our CPU a cycle", f"{seconds:.2f} s (goal {GOAL_SECONDS:g} s)"),
        ("a cycle", f"{wall:.2f} s, {times:.2f} x the {least:.2f} s until the same six answers were there"),
        ("CPU of both", f"{seconds + theirs:.2f} s, {cpu_times:.2f} x the {needed:.2f} s that Prometheus needs"),
        ("verdicts", f"{healthy} of {total} healthy"),
    ]
    goal = "<= 0.7 s of our CPU a cycle, and <= 1.5 x what Prometheus takes"
    return result("P3", round(seconds, 2), "s", goal, ok, peer=None, floor=round(least, 2), rows=rows)
