"""Raw samples from a file: OpenMetrics text, or CSV with a sample a line. Documented in docs/reference/backtest.md."""

import csv
import math
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

from prometheus_client.openmetrics.parser import text_fd_to_metric_families

from knowngood.api.common import LABEL_PATTERN
from knowngood.cli.errors import InputError

Labels = tuple[tuple[str, str], ...]
"""A series' labels with its name as ``__name__``, sorted."""

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(LABEL_PATTERN)
_NAMES = ("__name__", "metric")
_LATEST = 100_000_000_000.0  # seconds: the year 5138; what is larger is in milliseconds


class SampleError(ValueError):
    """A line that cannot be used; the text says what to write instead."""


@dataclass
class Series:
    """Samples of one series in the order of time: ``times`` in milliseconds since the epoch, and ``values``."""

    times: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, at: float, value: float) -> None:
        """A sample at ``at`` (seconds since the epoch). Raises SampleError where it is not later than the last."""
        time = round(at * 1000)
        if self.times and time <= self.times[-1]:
            what = "has two samples at" if time == self.times[-1] else "goes back to"
            raise SampleError(f"the series {what} {time / 1000:.3f}; write each series' samples in the order of time")
        self.times.append(time)
        self.values.append(value)


@dataclass
class Samples:
    """All series of a file."""

    series: dict[Labels, Series] = field(default_factory=dict)

    def add(self, labels: Mapping[str, str], at: float, value: float) -> None:
        """A sample of the series with these labels; an empty value is no label. Raises SampleError."""
        key = tuple(sorted((k, v) for k, v in labels.items() if v))
        if not math.isfinite(at) or not 0 <= at < _LATEST:
            raise SampleError(f"the timestamp {at:g} is not in seconds since 1970")
        self.series.setdefault(key, Series()).add(at, value)

    def span(self) -> tuple[float, float]:
        """From the first sample to the last, in seconds since the epoch. Raises ValueError where there is none."""
        first = min(s.times[0] for s in self.series.values())
        return first / 1000, max(s.times[-1] for s in self.series.values()) / 1000


def read(path: Path) -> Samples:
    """The samples of a file; its name ends with ``.csv``, or it is OpenMetrics. Raises InputError naming the line."""
    parse = parse_csv if path.suffix.lower() == ".csv" else parse_openmetrics
    try:
        with path.open(encoding="utf-8") as lines:
            counted = _Counted(lines)
            try:
                found = parse(counted)
            except SampleError as error:
                raise InputError(f"{path}, line {counted.number}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8") from None
    if not found.series:
        raise InputError(f"{path}: holds no samples")
    return found


class _Counted:
    """Lines, and how many were read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.number = lines, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            yield line


def parse_openmetrics(lines: Iterable[str] | TextIO) -> Samples:
    """Samples of OpenMetrics text, each with a timestamp in seconds. Raises SampleError."""
    found = Samples()
    try:
        for family in text_fd_to_metric_families(lines):
            for sample in family.samples:
                if sample.native_histogram is not None:
                    raise SampleError(f"{sample.name}: native histograms are not read from text")
                if sample.timestamp is None:
                    raise SampleError(f"{sample.name}: a sample without a timestamp; write seconds since the epoch")
                found.add({"__name__": sample.name, **sample.labels}, float(sample.timestamp), float(sample.value))
    except SampleError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise SampleError(f"not OpenMetrics: {error}") from None
    return found


def parse_csv(lines: Iterable[str]) -> Samples:
    """Samples of CSV: a header with ``timestamp``, ``metric``, ``value``, and a column a label. Raises SampleError."""
    found, rows = Samples(), csv.reader(lines, strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        columns = _columns(header)
        for row in rows:
            if row:
                _take(found, header, row, columns)
    except csv.Error as error:
        raise SampleError(f"not CSV: {error}") from None
    return found


def _columns(header: list[str]) -> dict[str, int]:
    """Where the columns that are no labels are."""
    for wanted in ("timestamp", "value"):
        if header.count(wanted) != 1:
            raise SampleError(f"the header needs one column {wanted}; it is {','.join(header) or 'empty'}")
    named = [name for name in _NAMES if name in header]
    if len(named) != 1:
        raise SampleError(f"the header needs one column metric, with the metric's name; it is {','.join(header)}")
    labels = [name for name in header if name not in ("timestamp", "value", named[0])]
    if len(set(labels)) != len(labels):
        raise SampleError("the header names a column twice")
    for name in labels:
        if not _LABEL.fullmatch(name):
            raise SampleError(f"the column {name!r} is no label name: write letters, digits and '_'")
    return {name: header.index(name) for name in ("timestamp", "value", named[0])}


def _take(found: Samples, header: list[str], row: list[str], columns: Mapping[str, int]) -> None:
    if len(row) != len(header):
        raise SampleError(f"{len(row)} cells below a header of {len(header)}")
    cells = {name: row[at].strip() for name, at in columns.items()}
    metric = next(cells[name] for name in _NAMES if name in cells)
    if not _METRIC.fullmatch(metric):
        raise SampleError(f"{metric!r} is no metric name")
    labels = {name: cell for name, cell in zip(header, row, strict=True) if name not in columns}
    found.add({"__name__": metric, **labels}, _time(cells["timestamp"]), _value(cells["value"]))


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise SampleError(f"{text!r} is no timestamp: write seconds since the epoch, or RFC 3339 with a time zone")
    return found.timestamp()


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SampleError(f"{text!r} is no value: write a number, NaN, +Inf or -Inf") from None
