"""P8: how many samples Prometheus reads for our queries, beside how many it took in meanwhile for the same series.

Prometheus counts what it reads itself (`stats=all`). The poller runs through ticks that lie ahead in a back-filled
Prometheus; what comes before the first counted tick is warm-up.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bench.filled import Served, filled
from bench.fleet import NAMESPACE, below, fleet, judged
from bench.p3 import families
from bench.result import Result, result
from knowngood.core.signals.answer import Answer
from knowngood.shell.board import Board
from knowngood.shell.poller import Poller
from knowngood.shell.settings import Source
from knowngood.shell.sources import PrometheusSource

MODELS, GOAL = 50, 1.1
COUNTED = 600.0  # seconds
METRICS = ("good_total", "all_total")


@dataclass(frozen=True)
class Setting:
    """How often targets are scraped and polled, and the window, all in seconds; ``whole`` or sliding."""

    scraped: float
    interval: float
    window: float
    whole: bool

    def __str__(self) -> str:
        kind = "whole windows" if self.whole else "sliding windows"
        return f"{kind} of {self.window:g} s, polled every {self.interval:g} s, scraped every {self.scraped:g} s"

    def signal(self) -> Mapping[str, Any]:
        """A ratio, with a detector that counts each observation once, or one that judges at every poll."""
        ratio = {"good": "good_total", "total": "all_total", "window": f"{self.window:g}s"}
        if not self.whole:
            return below("accuracy", 0.9, 50, ratio=ratio)
        return judged("accuracy", {"change": {"falseAlarmEvery": "30d", "direction": "Down"}}, ratio=ratio)


HELD = (Setting(5.0, 15.0, 60.0, True), Setting(5.0, 15.0, 300.0, True))
SHOWN = (  # both ends of a window and a look for births are read whatever is new; a sliding window is read at each poll
    Setting(15.0, 15.0, 60.0, True),
    Setting(15.0, 15.0, 300.0, True),
    Setting(5.0, 15.0, 60.0, False),
    Setting(15.0, 15.0, 60.0, False),
    Setting(15.0, 15.0, 300.0, False),
)


class Counting(PrometheusSource):
    """A source at the time of our choosing, which adds up what was read for its answers."""

    def __init__(self, url: str) -> None:
        super().__init__("default", Source(url=url, timeout=60, params={"stats": "all"}))
        self.clock, self.read = 0.0, 0

    async def query(self, text: str, timeout: float | None = None, at: float | None = None) -> Answer:
        """As the source does, but ``now`` is the clock's."""
        return await super().query(text, timeout, self.clock if at is None else at)

    def _post(self, endpoint: str, form: Mapping[str, object], limit: float, most: int) -> tuple[int, bytes]:
        status, body = super()._post(endpoint, form, limit, most)
        self.read += int(orjson.loads(body)["data"]["stats"]["samples"]["totalQueryableSamples"])
        return status, body


async def _ratio(served: Served, setting: Setting, start: float) -> float:
    """Samples read a sample taken in."""
    store, policies = fleet(MODELS, [dict(setting.signal())], f"{setting.interval:g}s")
    source = Counting(served.url)
    poller = Poller(store, policies, Board(), {"default": source}, lambda _: None, lambda _: None)
    first = start // setting.window * setting.window + 2 * setting.window
    warm, ticks = int(2 * setting.window / setting.interval), int(COUNTED / setting.interval)
    before = 0
    for number in range(warm + ticks):
        if number == warm:
            before = source.read
        source.clock = first + number * setting.interval
        await poller.poll(policies.groups()[setting.interval], source.clock)
    source.stop()
    taken = " + ".join(f'sum(count_over_time({m}{{namespace="{NAMESPACE}"}}[{COUNTED:g}s]))' for m in METRICS)
    new = float(served.ask(taken, source.clock)["result"][0]["value"][1])
    return (source.read - before) / new


def run(prove: bool) -> Result:
    """Samples read for each that was taken in, the most of all settings that are held to it."""
    rows, held = list[tuple[str, str]](), list[float]()
    start = time.time()
    for scraped in sorted({s.scraped for s in (*HELD, *SHOWN)}):
        with filled(families(MODELS, start, scraped, ahead=1_800.0)) as served:
            for setting in (s for s in (*HELD, *SHOWN) if s.scraped == scraped):
                found = asyncio.run(_ratio(served, setting, start))
                rows.append((str(setting), f"{found:.2f}{f' (goal {GOAL})' if setting in HELD else ''}"))
                held += [found] if setting in HELD else []
    goal = "<= 1.1 samples read for each new one, of whole windows, three scrapes a poll"
    return result("P8", round(max(held), 2), "samples", goal, max(held) <= GOAL, floor=1.0, rows=rows)
