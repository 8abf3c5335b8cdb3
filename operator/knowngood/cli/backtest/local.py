"""A Prometheus of one's own for samples from a file: on loopback, in a temporary directory, ended with the command.

The operator's requests are PromQL, and nothing but Prometheus evaluates that as Prometheus does.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import requests

from knowngood.cli.backtest import remotewrite
from knowngood.cli.backtest.samples import Samples
from knowngood.cli.errors import InputError

VARIABLE = "KNOWNGOOD_PROMETHEUS"
_START_SECONDS, _STOP_SECONDS, _WRITE_SECONDS = 30.0, 10.0, 60.0
_TRIES = 3  # another process may take the port that was free
_AT_ONCE = 50_000  # samples of one request
_BLOCK = "400d"  # so much is kept in memory before it is made into blocks, which only costs time here


def program() -> Path:
    """The Prometheus to run: what KNOWNGOOD_PROMETHEUS names, else the one on PATH. Raises InputError."""
    named = os.environ.get(VARIABLE)
    if named:
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise InputError(f"{VARIABLE}={named}: no program; write the path of a prometheus")
        return Path(named)
    found = shutil.which("prometheus")
    if found is None:
        raise InputError(
            "--samples needs a Prometheus to evaluate the policy's queries, and there is none on PATH: install the "
            f"package prometheus, write the path of the program to {VARIABLE}, or write the signals' own values as CSV"
        )
    return Path(found)


@contextlib.contextmanager
def holding(samples: Samples) -> Iterator[str]:
    """The URL of a Prometheus that holds the samples. Raises InputError where it does not start or take them."""
    run = program()
    with tempfile.TemporaryDirectory(prefix="knowngood-backtest-") as directory, requests.Session() as session:
        session.trust_env = False
        with _started(run, Path(directory), session) as url:
            _fill(url, samples, session)
            yield url


@contextlib.contextmanager
def _started(run: Path, directory: Path, session: requests.Session) -> Iterator[str]:
    (directory / "prometheus.yml").write_text("{}\n")
    log = directory / "log"
    for _ in range(_TRIES):
        url = f"http://127.0.0.1:{_free_port()}"
        with log.open("wb") as written:
            process = subprocess.Popen(_command(run, directory, url), stdout=written, stderr=written)
        try:
            if _ready(url, process, session):
                yield url
                return
        finally:
            _end(process)
        if b"address already in use" not in log.read_bytes():
            break
    last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    raise InputError(f"{run} did not start: {last[:300]}")


def _command(run: Path, directory: Path, url: str) -> list[str]:
    return [
        str(run),
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        "--storage.tsdb.retention.time=100y",
        f"--storage.tsdb.min-block-duration={_BLOCK}",
        f"--storage.tsdb.max-block-duration={_BLOCK}",
        "--web.enable-remote-write-receiver",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _ready(url: str, process: "subprocess.Popen[bytes]", session: requests.Session) -> bool:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if session.get(f"{url}/-/ready", timeout=1).ok:
                return True
        time.sleep(0.05)
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _fill(url: str, samples: Samples, session: requests.Session) -> None:
    """Slice after slice of time, so that no series is ever far behind another."""
    first, last = (round(1000 * t) for t in samples.span())
    number = sum(len(s.times) for s in samples.series.values())
    slices = max(1, -(-number // _AT_ONCE))
    width = (last - first) // slices + 1
    for start in range(first, last + 1, width):
        answer = session.post(
            f"{url}/api/v1/write",
            data=remotewrite.body(_between(samples, start, start + width)),
            headers=remotewrite.HEADERS,
            timeout=_WRITE_SECONDS,
        )
        if not answer.ok:
            raise InputError(f"the samples were not taken: {answer.text.strip()[:300]}")


def _between(
    samples: Samples, start: int, end: int
) -> Iterator[tuple[tuple[tuple[str, str], ...], list[tuple[int, float]]]]:
    for labels, series in samples.series.items():
        low, high = bisect_left(series.times, start), bisect_left(series.times, end)
        if low < high:
            yield labels, list(zip(series.times[low:high], series.values[low:high], strict=True))
