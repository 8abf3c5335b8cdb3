"""One demo at a time on a machine: a second one would delete the first one's namespace under its feet."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.demo.cluster import CommandError

LOCK = Path(tempfile.gettempdir()) / "knowngood-demo.lock"


@contextmanager
def alone(lock: Path = LOCK) -> Iterator[None]:
    """Hold the lock; CommandError when another demo has it. It ends with the process, however that ends."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("another demo runs on this machine: wait until it has ended") from None
        yield
    finally:
        os.close(handle)
