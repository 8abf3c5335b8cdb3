"""A private Prometheus, filled by remote write: samples with times of our choosing, and nothing else in it.

The wire format is that of https://prometheus.io/docs/specs/prw/remote_write_spec/, written by hand since it is small:
a protobuf message inside a snappy block of literals.
"""

import contextlib
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from knowngood.core.signals.answer import Answer, parse_answer
from tests.conformance.apiserver import binary, free_ports

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]  # the NaN that marks the end of a series
START_SECONDS = 30


@dataclass(frozen=True)
class Native:
    """An exponential histogram: counts of the positive buckets from ``offset`` on, each 2^(2^-schema) wide."""

    counts: Sequence[float]
    sum: float
    offset: int = 0
    schema: int = 0


@dataclass
class Prometheus:
    """A running Prometheus."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def write(self, name: str, labels: Mapping[str, str], points: Sequence[tuple[float, float | Native]]) -> None:
        """Samples of one series: (seconds since the epoch, value)."""
        named = sorted({"__name__": name, **labels}.items())
        body = b"".join(_bytes(1, _text(1, k) + _text(2, v)) for k, v in named)
        for at, value in points:
            body += _bytes(4, _native(value, at)) if isinstance(value, Native) else _bytes(2, _sample(value, at))
        answer = self.session.post(
            f"{self.url}/api/v1/write",
            data=_snappy(_bytes(1, body)),
            headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"},
            timeout=10,
        )
        assert answer.status_code == 204, answer.text

    def ask(self, query: str, at: float) -> Answer:
        """What the operator would make of the answer."""
        form: dict[str, Any] = {"query": query, "time": at}
        answer = self.session.post(f"{self.url}/api/v1/query", data=form, timeout=30)
        return parse_answer(answer.status_code, answer.content)

    def samples_read(self, query: str, at: float) -> int:
        """How many samples Prometheus read for an answer."""
        form: dict[str, Any] = {"query": query, "time": at, "stats": "all"}
        answer = self.session.post(f"{self.url}/api/v1/query", data=form, timeout=30).json()
        return int(answer["data"]["stats"]["samples"]["totalQueryableSamples"])


@contextlib.contextmanager
def running(directory: Path, jobs: Sequence[Mapping[str, Any]] = ()) -> Iterator[Prometheus]:
    """A Prometheus on a free loopback port that keeps all it writes in ``directory``; ended on leaving."""
    (port,) = free_ports(1)
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "storage": {"tsdb": {"out_of_order_time_window": "30d"}},
        "scrape_configs": list(jobs),
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    arguments = [
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        "--storage.tsdb.retention.time=10y",
        "--web.enable-remote-write-receiver",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([binary("prometheus"), *arguments], stdout=log, stderr=log)
    try:
        found = Prometheus(f"http://127.0.0.1:{port}")
        _await(found, process, directory / "log")
        yield found
    finally:
        process.terminate()
        process.wait(20)


def _await(found: Prometheus, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if found.session.get(f"{found.url}/-/ready", timeout=1).ok:
                return
        time.sleep(0.05)
    raise RuntimeError(f"Prometheus did not start:\n{log.read_text()[-2000:]}")


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _int(tag: int, number: int) -> bytes:
    return _varint(tag << 3) + _varint(number)


def _double(tag: int, number: float) -> bytes:
    return _varint(tag << 3 | 1) + struct.pack("<d", number)


def _bytes(tag: int, body: bytes) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(body)) + body


def _text(tag: int, text: str) -> bytes:
    return _bytes(tag, text.encode())


def _sample(value: float, at: float) -> bytes:
    return _double(1, value) + _int(2, round(at * 1000))


def _native(value: Native, at: float) -> bytes:
    span = _int(1, _zigzag(value.offset)) + _int(2, len(value.counts))
    return (
        _double(2, sum(value.counts))
        + _double(3, value.sum)
        + _int(4, _zigzag(value.schema))
        + _double(5, 1e-128)
        + _double(7, 0.0)
        + _bytes(11, span)
        + _bytes(13, b"".join(struct.pack("<d", c) for c in value.counts))
        + _int(15, round(at * 1000))
    )


def _snappy(body: bytes) -> bytes:
    parts = [body[i : i + 65536] for i in range(0, len(body), 65536)]
    return _varint(len(body)) + b"".join(b"\xf4" + struct.pack("<H", len(p) - 1) + p for p in parts)
