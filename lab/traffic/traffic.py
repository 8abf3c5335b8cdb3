"""Posts held-out digits through the Service at a steady rate: `python -m lab.traffic.traffic`.

About a second after each answer the true label follows as feedback, naming the release
that answered. Every request counts on /metrics, every failure too, and none is repeated.
Prints a line at start and one for each failure, none for a request that went well.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue

from prometheus_client import start_http_server

from lab.traffic.client import Caller, Counts, RequestError
from lab.traffic.pace import Pace
from lab.traffic.settings import Settings, SettingsError, load

Image = tuple[list[int], int]
Told = tuple[float, str, int, int]
"""When to tell, the release that answered, its answer, the truth."""


class Traffic:
    """The running traffic: a pacer for images and one for their labels, over a pool of callers."""

    def __init__(self, settings: Settings, images: list[Image], caller: Caller) -> None:
        self._settings = settings
        self._images = images
        self._caller = caller
        self._labels: SimpleQueue[Told] = SimpleQueue()
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the requests under way."""
        self._stop.set()

    def run(self) -> None:
        """Send until `stop`; first waits, uncounted, until somebody answers."""
        while not self._caller.ready():
            if self._stop.wait(0.2):
                return
        with ThreadPoolExecutor(self._settings.workers) as pool:
            teller = threading.Thread(target=self._tell_all, args=(pool,), daemon=True)
            teller.start()
            pace = Pace(self._settings.rate, time.monotonic())
            while not self._stop.wait(pace.wait(time.monotonic())):
                pool.submit(self._ask, *self._images[pace.count % len(self._images)])
                pace.sent()
            teller.join()

    def _ask(self, image: list[int], label: int) -> None:
        try:
            answer = self._caller.predict(image)
        except RequestError as error:
            print(f"predict failed: {error}", flush=True)
            return
        due = time.monotonic() + self._settings.feedback_after
        self._labels.put((due, answer.release, answer.digit, label))

    def _tell_all(self, pool: ThreadPoolExecutor) -> None:
        while not self._stop.is_set():
            try:
                due, release, answer, label = self._labels.get(timeout=0.2)
            except Empty:
                continue
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            pool.submit(self._tell, release, answer, label)

    def _tell(self, release: str, answer: int, label: int) -> None:
        try:
            self._caller.feedback(release, answer, label)
        except RequestError as error:
            print(f"feedback failed: {error}", flush=True)


def read_images(path: Path) -> list[Image]:
    """Held-out images with their true labels, as train.py wrote them."""
    content = json.loads(path.read_text())
    return list(zip(content["images"], content["labels"], strict=True))


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        settings = load()
        images = read_images(settings.images)
    except (SettingsError, OSError) as error:
        raise SystemExit(f"traffic: {error}") from None
    counts = Counts()
    caller = Caller(settings.host, settings.port, settings.timeout, counts)
    traffic = Traffic(settings, images, caller)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: traffic.stop())
    start_http_server(settings.metrics_port, registry=counts.registry)
    print(f"{settings.rate:g} images/s to {settings.host}:{settings.port}", flush=True)
    traffic.run()


if __name__ == "__main__":
    main()
