"""The operator's process: settings, store, watches, leadership, and the port that tells how it is."""

import asyncio
import contextlib
import gc
import signal
import sys
import time
from typing import Any

import structlog

from knowngood import __version__
from knowngood.shell import http, logs
from knowngood.shell.cluster import ApiError, Cluster
from knowngood.shell.engine import Engine
from knowngood.shell.leader import lead
from knowngood.shell.settings import Settings, SettingsError, load
from knowngood.shell.sources import PrometheusSource
from knowngood.shell.store import Store
from knowngood.shell.watch import Watcher, relist

log = structlog.get_logger()
_RETRY_SECONDS = 2.0
_STALE_BEATS = 30.0
# Each cycle makes as many objects as there are models, and hardly any that refer to themselves: with Python's own
# thresholds half of a cycle's time goes into looking for those.
COLLECT = (50_000, 20, 100)


class Operator:
    """The parts of one process, and how they are."""

    def __init__(self, settings: Settings, api: Cluster) -> None:
        self._settings, self._api = settings, api
        self._store = Store()
        self._sources = {name: PrometheusSource(name, s) for name, s in settings.sources.items()}
        self._synced = asyncio.Event()
        self._watching = asyncio.Event()
        self._beat = time.monotonic()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        watch = self._settings.watch
        watcher = Watcher(self._store, watch.namespaces, watch.rollouts)
        app = http.application(self._unhealthy, self._unready)
        parts = [
            http.serve(app, self._settings.http.host, self._settings.http.port, self._stop),
            watcher.run(self._stop, self._watching),
            self._keep_listed(),
            self._heartbeat(),
            self._lead(),
        ]
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(part) for part in parts]
        stopping: asyncio.Task[Any] = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        self._stop.set()
        for task in tasks[2:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for source in self._sources.values():
            source.stop()
        for task in sorted(done - {stopping}, key=asyncio.Task.cancelled):  # one that was only cancelled tells nothing
            task.result()  # a part that ended by itself ended in an error; say so and exit non-zero

    def _unhealthy(self) -> str:
        late = time.monotonic() - self._beat
        return f"the event loop is {late:.0f}s late" if late > _STALE_BEATS else ""

    def _unready(self) -> str:
        if not self._synced.is_set():
            return "the first list of all objects is not complete"
        return "" if self._watching.is_set() else "the watches do not stand yet"

    async def _heartbeat(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(1.0)

    async def _keep_listed(self) -> None:
        watch = self._settings.watch
        while True:
            try:
                await relist(self._api, self._store, watch.namespaces, watch.rollouts)
                self._synced.set()
                delay = watch.relist_interval
            except ApiError as error:
                log.warning("list failed", error=str(error))
                delay = _RETRY_SECONDS
            await asyncio.sleep(delay)

    async def _lead(self) -> None:
        await self._synced.wait()
        await self._watching.wait()
        await lead(self._api, self._settings.leader_election, self._work)

    async def _work(self) -> None:
        while True:
            try:
                await Engine(self._api, self._store, self._sources, self._settings).run()
            except Exception:
                log.exception("the engine stopped; it starts again")
            await asyncio.sleep(_RETRY_SECONDS)


async def _run(settings: Settings) -> None:
    async with contextlib.AsyncExitStack() as stack:
        api = await stack.enter_async_context(Cluster.connect())
        await Operator(settings, api).run()


def main() -> None:
    """Entry point of `knowngood-operator`."""
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"knowngood-operator: the settings cannot be used:\n{error}")
    logs.configure(settings.log.level, settings.log.format)
    gc.set_threshold(*COLLECT)
    log.info("starting", version=__version__, sources=sorted(settings.sources))
    asyncio.run(_run(settings))


if __name__ == "__main__":
    main()
