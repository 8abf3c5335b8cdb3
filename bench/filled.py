"""A private Prometheus that was filled before it started: promtool makes blocks of series at times of our choosing.

Nothing is scraped, so that all its work is for whoever asks. Times may lie ahead, so that data stay fresh meanwhile.
"""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from lab import settings as lab_settings
from lab.tools import find, install
from lab.tools.catalogue import PROMETHEUS, PROMTOOL
from tests.conformance.apiserver import free_ports

_START_SECONDS = 60
_TICKS = os.sysconf("SC_CLK_TCK")
Series = tuple[str, Sequence[tuple[float, float]]]
"""Labels as they stand in braces, and points of (seconds since the epoch, value)."""


@dataclass(frozen=True)
class Served:
    """A running Prometheus."""

    url: str
    pid: int

    def cpu(self) -> float:
        """The seconds of CPU that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def ask(self, query: str, at: float) -> dict[str, Any]:
        """The data of an answer, with how many samples were read for it."""
        form = {"query": query, "time": f"{at:.3f}", "stats": "all"}
        answer = requests.post(f"{self.url}/api/v1/query", data=form, timeout=60)
        answer.raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
        return data


def exposition(families: Mapping[str, Iterable[Series]]) -> Iterator[str]:
    """OpenMetrics text of series by metric; what ends in ``_total`` is a counter, the rest are gauges."""
    for metric, series in families.items():
        kind = "counter" if metric.endswith("_total") else "gauge"
        yield f"# TYPE {metric.removesuffix('_total')} {kind}\n"
        for labels, points in series:
            head = f"{metric}{{{labels}}} "
            yield "".join([f"{head}{value:.10g} {at:.3f}\n" for at, value in points])
    yield "# EOF\n"


@contextlib.contextmanager
def filled(families: Mapping[str, Iterable[Series]]) -> Iterator[Served]:
    """A Prometheus that holds ``families`` and nothing else; ended on leaving."""
    with tempfile.TemporaryDirectory() as found:
        directory = Path(found)
        _fill(directory, families)
        (directory / "prometheus.yml").write_text("global: {}\n")
        (port,) = free_ports(1)
        arguments = [
            f"--config.file={directory}/prometheus.yml",
            f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen([_program(PROMETHEUS, "prometheus"), *arguments], stdout=log, stderr=log)
        try:
            _await(f"http://127.0.0.1:{port}", process, directory / "log")
            yield Served(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            process.wait(20)


def _fill(directory: Path, families: Mapping[str, Iterable[Series]]) -> None:
    text = directory / "metrics"
    with text.open("w") as file:
        file.writelines(exposition(families))
    command = [_program(PROMTOOL, "promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    subprocess.run([*command, text, directory / "data"], check=True, stdout=subprocess.DEVNULL)
    text.unlink()


def _program(module: Any, name: str) -> str:
    cache = lab_settings.load().cache
    install.module(cache, module)
    return str(find.locate(cache / "bin", module, name))


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/-/ready", timeout=1).ok:
                return
        time.sleep(0.05)
    raise RuntimeError(f"Prometheus did not start:\n{log.read_text()[-2000:]}")
