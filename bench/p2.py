"""P2: polling 1,000 models with three signals, beside one query a model and signal.

The first peer asks one query after the other, as Flagger and Argo Rollouts do for each of their runs; the second asks
through aiohttp, twenty at once. All ask the same Prometheus, back-filled, in the same run, for the same windows; a peer
does nothing with an answer but read its number, while ours ends with verdicts.
"""

import asyncio
import gc
import statistics
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import requests

from bench.cost import Cost, Meter
from bench.filled import Served, filled
from bench.fleet import NAMESPACE, below, fleet, judged
from bench.p3 import families
from bench.result import Result, result
from knowngood.api.observed import Verdict
from knowngood.shell.board import Board
from knowngood.shell.main import COLLECT
from knowngood.shell.poller import Poller
from knowngood.shell.settings import Source
from knowngood.shell.sources import PrometheusSource

MODELS, WARM, CYCLES, AT_ONCE = 1_000, 3, 10, 20
INTERVAL, WINDOW = 15.0, "1m"
FASTER, FASTER_AT_ONCE, LESS_CPU = 50, 20, 30


def signals() -> list[dict[str, Any]]:
    """A ratio, rare events, and a query of one's own."""
    ratio = {"good": "good_total", "total": "all_total", "window": WINDOW}
    query = f"avg by (namespace, model, release) (avg_over_time(confidence[{WINDOW}]))"
    return [
        below("accuracy", 0.9, 50, ratio=ratio),
        judged("leaks", {"occurrence": {}}, events={"metric": "pii_total", "exposure": "all_total", "window": WINDOW}),
        below("confidence", 0.5, promql={"query": query}),
    ]


def queries() -> Iterator[str]:
    """What one has to ask of each model without grouping."""
    for index in range(MODELS):
        only = f'{{namespace="{NAMESPACE}",model="m{index}"}}[{WINDOW}]'
        good, total, leaks = (f"sum(increase({metric}{only}))" for metric in ("good_total", "all_total", "pii_total"))
        yield from (f"{good} / {total}", leaks, f"avg(avg_over_time(confidence{only}))")


def one_by_one(url: str) -> None:
    """Each query after the one before."""
    with requests.Session() as session:
        for query in queries():
            answer = session.post(f"{url}/api/v1/query", data={"query": query}, timeout=30)
            float(answer.json()["data"]["result"][0]["value"][1])


async def at_once(url: str) -> None:
    """Twenty queries under way at any time."""
    waiting = list(queries())

    async def work(session: aiohttp.ClientSession) -> None:
        while waiting:
            async with session.post(f"{url}/api/v1/query", data={"query": waiting.pop()}) as answer:
                float((await answer.json())["data"]["result"][0]["value"][1])

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(work(session) for _ in range(AT_ONCE)))


async def _run(served: Served) -> tuple[list[Cost], Cost, Cost, dict[str, int]]:
    store, policies = fleet(MODELS, signals(), f"{INTERVAL:g}s")
    source, board, meter = PrometheusSource("default", Source(url=served.url, timeout=60)), Board(), Meter(served)
    poller = Poller(store, policies, board, {"default": source}, lambda _: None, lambda _: None)
    ours, tick = list[Cost](), time.time() // INTERVAL * INTERVAL
    for number in range(WARM + CYCLES):
        meter.begin()
        await poller.cycle(INTERVAL, policies.groups()[INTERVAL], tick + number * INTERVAL)
        ours.append(meter.end())
    source.stop()
    meter.begin()
    await asyncio.to_thread(one_by_one, served.url)
    single = meter.end()
    meter.begin()
    await at_once(served.url)
    return ours[WARM:], single, meter.end(), board.verdicts()


def run(prove: bool) -> Result:
    """How many times faster than one query after the other."""
    gc.set_threshold(*COLLECT)
    with filled(families(MODELS, time.time())) as served:
        ours, single, many, verdicts = asyncio.run(_run(served))
    wall, theirs = statistics.median(c.wall for c in ours), statistics.mean(c.theirs for c in ours)
    faster, faster_at_once, less = single.wall / wall, many.wall / wall, single.theirs / theirs
    healthy = verdicts[Verdict.HEALTHY.value]
    ok = faster >= FASTER and faster_at_once >= FASTER_AT_ONCE and less >= LESS_CPU and healthy == 3 * MODELS
    rows = [
        ("a poll of 1,000 models and 3 signals", f"{wall * 1e3:.0f} ms, Prometheus' CPU {theirs * 1e3:.0f} ms"),
        ("one query a model and signal", f"{single.wall:.2f} s ({faster:.0f} x, goal {FASTER} x)"),
        (f"the same, {AT_ONCE} at once", f"{many.wall:.2f} s ({faster_at_once:.0f} x, goal {FASTER_AT_ONCE} x)"),
        ("Prometheus' CPU for those", f"{single.theirs:.2f} s ({less:.0f} x, goal {LESS_CPU} x)"),
        ("verdicts", f"{healthy} of {sum(verdicts.values())} healthy"),
    ]
    goal = ">= 50 x faster and >= 30 x less Prometheus CPU than one by one, >= 20 x faster than 20 at once"
    return result("P2", round(faster, 1), "x", goal, ok, peer=round(single.wall, 2), floor=None, rows=rows)
