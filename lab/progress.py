"""Progress lines with the time since the start."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_START = time.monotonic()
_LOCK = threading.Lock()


def say(text: str) -> None:
    """Print one line, led by the elapsed seconds; safe from several threads."""
    with _LOCK:
        print(f"[{time.monotonic() - _START:7.1f}s] {text}", file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say how long the block took; an exception passes through unsaid."""
    begun = time.monotonic()
    yield
    say(f"{name}: {time.monotonic() - begun:.1f}s")
