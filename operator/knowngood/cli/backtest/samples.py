"""Raw samples: OpenMetrics text, or CSV with a sample a line. Documented in docs/reference/backtest.md."""

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client.openmetrics.parser import text_fd_to_metric_families

from knowngood.api.common import LABEL_PATTERN

Labels = tuple[tuple[str, str], ...]
"""A series' labels with its name as ``__name__``, sorted."""

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(LABEL_PATTERN)
NAMES = ("__name__", "metric")
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
        within(at)
        self.series.setdefault(key, Series()).add(at, value)

    def span(self) -> tuple[float, float]:
        """From the first sample to the last, in seconds since the epoch. Raises ValueError where there is none."""
        first = min(s.times[0] for s in self.series.values())
        return first / 1000, max(s.times[-1] for s in self.series.values()) / 1000


def parse_openmetrics(lines: Iterable[str]) -> Samples:
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


def parse_csv(header: Sequence[str], rows: Iterable[list[str]]) -> Samples:
    """Samples below a header with ``timestamp``, ``metric``, ``value``, and a column a label. Raises SampleError."""
    found, columns = Samples(), _columns(header)
    for row in rows:
        if row:
            _take(found, header, row, columns)
    return found


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where the columns that are no labels are."""
    for wanted in ("timestamp", "value"):
        if header.count(wanted) != 1:
            raise SampleError(f"the header needs one column {wanted}; it is {','.join(header) or 'empty'}")
    named = [name for name in NAMES if name in header]
    if len(named) != 1:
        raise SampleError(f"the header needs one column metric, with the metric's name; it is {','.join(header)}")
    own = ("timestamp", "value", named[0])
    labels_of([name for name in header if name not in own])
    return {name: header.index(name) for name in own}


def within(at: float) -> float:
    """The time, in seconds since the epoch. Raises SampleError where it is none."""
    if not 0 <= at < _LATEST:  # nor NaN
        raise SampleError(f"the timestamp {at:.15g} is not in seconds since 1970")
    return at


def labels_of(names: Sequence[str]) -> None:
    """Raises SampleError where a column is no label, or there twice."""
    for name in names:
        if not _LABEL.fullmatch(name):
            raise SampleError(f"the column {name!r} is no label name: write letters, digits and '_'")
        if names.count(name) > 1:
            raise SampleError(f"the header names the column {name} twice")


def _take(found: Samples, header: Sequence[str], row: list[str], columns: Mapping[str, int]) -> None:
    if len(row) != len(header):
        raise SampleError(f"{len(row)} cells below a header of {len(header)}")
    cells = {name: row[at].strip() for name, at in columns.items()}
    metric = next(cells[name] for name in NAMES if name in cells)
    if not _METRIC.fullmatch(metric):
        raise SampleError(f"{metric!r} is no metric name")
    labels = {name: cell for name, cell in zip(header, row, strict=True) if name not in columns}
    found.add({"__name__": metric, **labels}, moment(cells["timestamp"]), number(cells["value"]))


def moment(text: str) -> float:
    """A timestamp in seconds since the epoch. Raises SampleError."""
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


def number(text: str) -> float:
    """A value. Raises SampleError."""
    try:
        return float(text)
    except ValueError:
        raise SampleError(f"{text!r} is no value: write a number, NaN, +Inf or -Inf") from None
