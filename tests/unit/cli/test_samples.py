"""Files of samples: what is written is read, and whatever else is there is told and never crashes."""

import contextlib
import csv
import io
import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.cli.backtest import files, remotewrite
from knowngood.cli.backtest.samples import Labels, SampleError, Samples, parse_openmetrics
from knowngood.cli.backtest.values import Values

NAMES = st.sampled_from(["right_total", "answers_total", "score", "a:b"])
PLAIN = st.characters(codec="utf-8", exclude_characters="\x00\r")
POINTS = st.dictionaries(
    st.integers(0, 10**12).map(lambda ms: ms / 1000), st.floats(width=64), min_size=1, max_size=5
).map(lambda found: sorted(found.items()))
Written = Sequence[tuple[str, Mapping[str, str], Sequence[tuple[float, float]]]]


def _kind(one: tuple[str, Mapping[str, str], object]) -> tuple[object, ...]:
    return (one[0], *sorted(pair for pair in one[1].items() if pair[1]))


TEXTS = st.dictionaries(st.sampled_from(["model", "release", "pod"]), st.text(PLAIN, max_size=8), max_size=3)


SERIES: st.SearchStrategy[Written] = st.lists(st.tuples(NAMES, TEXTS, POINTS), max_size=4, unique_by=_kind)


def expected(written: Written) -> dict[Labels, list[tuple[int, float]]]:
    return {
        tuple(sorted([("__name__", name), *((k, v) for k, v in labels.items() if v)])): [
            (round(at * 1000), value) for at, value in points
        ]
        for name, labels, points in written
    }


def same(found: Samples, written: Written) -> None:
    read = {key: list(zip(s.times, s.values, strict=True)) for key, s in found.series.items()}
    assert read.keys() == expected(written).keys()
    for key, points in expected(written).items():
        assert [t for t, _ in read[key]] == [t for t, _ in points]
        for (_, one), (_, other) in zip(read[key], points, strict=True):
            assert one == other or (math.isnan(one) and math.isnan(other))


def read_csv(text: str) -> files.History:
    return files._csv(io.StringIO(text, newline=""))


@given(SERIES)
def test_csv_that_is_written_is_read(written: Written) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["timestamp", "model", "metric", "release", "pod", "value"])
    for name, labels, points in written:
        for at, value in points:
            cells = [labels.get(label, "") for label in ("model", "release", "pod")]
            writer.writerow([f"{at:.3f}", cells[0], name, *cells[1:], repr(value)])
    found = read_csv(out.getvalue())
    assert isinstance(found, Samples)
    same(found, written)


@given(SERIES)
def test_openmetrics_that_is_written_is_read(written: Written) -> None:
    lines = []
    for name in dict.fromkeys(name for name, _, _ in written):
        for _, labels, points in (s for s in written if s[0] == name):
            named = ",".join(f'{k}="{_escaped(v)}"' for k, v in labels.items())
            lines += [f"{name}{{{named}}} {_number(value)} {at:.3f}" for at, value in points]
    same(parse_openmetrics([f"{line}\n" for line in [*lines, "# EOF"]]), written)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else repr(value)


@given(st.text(max_size=200))
def test_no_text_crashes_the_readers(text: str) -> None:
    for read in (read_csv, lambda t: parse_openmetrics(t.splitlines(keepends=True))):
        with contextlib.suppress(SampleError):
            read(text)


HEADERS = st.lists(
    st.sampled_from(["timestamp", "metric", "value", "signal", "hits", "count", "model", "x y"]), max_size=6
)
CELLS = st.sampled_from(["", "0", "1", "2.5", "NaN", "1e400", "-1", "x", "right_total", "2026-05-28T20:40:00Z"])


@given(HEADERS, st.lists(st.lists(CELLS, max_size=6), max_size=5))
def test_no_table_crashes_the_reader(header: list[str], rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    try:
        found = read_csv(out.getvalue())
    except SampleError:
        return
    if isinstance(found, Samples):
        assert all(list(s.times) == sorted(set(s.times)) for s in found.series.values())
    else:
        assert all(
            [r.at for r in rows] == sorted({r.at for r in rows}) for s in found.rows.values() for rows in s.values()
        )


def test_openmetrics_with_types_and_histograms() -> None:
    text = (
        "# TYPE score histogram\n"
        'score_bucket{le="0.5"} 1 10\nscore_bucket{le="+Inf"} 2 10\nscore_count 2 10\nscore_sum 1.5 10\n'
        "# TYPE answers counter\nanswers_total 5 10\nanswers_total 6 20.5\n# EOF\n"
    )
    found = parse_openmetrics(text.splitlines(keepends=True))
    assert [dict(key)["__name__"] for key in found.series].count("score_bucket") == 2
    assert list(found.series[(("__name__", "answers_total"),)].times) == [10_000, 20_500]
    assert found.span() == (10, 20.5)


def test_times_of_a_day_are_read() -> None:
    found = read_csv("timestamp,metric,value\n2026-05-28T20:40:00Z,x,1\n2026-05-28T22:41:00+02:00,x,2\n")
    assert isinstance(found, Samples)
    assert list(found.series[(("__name__", "x"),)].times) == [1_780_000_800_000, 1_780_000_860_000]


def test_a_table_of_values_is_told_by_its_column_signal() -> None:
    found = read_csv("timestamp,signal,model,value,count\n60,a,m,0.5,\n120,a,m,0.6,10\n")
    assert isinstance(found, Values)
    assert [(r.at, r.main, r.count) for r in found.rows["a"][(("model", "m"),)]] == [(60, 0.5, None), (120, 0.6, 10)]


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_a_block_of_any_size_can_be_unpacked(size: int) -> None:
    content = bytes(n % 251 for n in range(size))
    assert _unpacked(remotewrite._snappy(content)) == content


def _unpacked(block: bytes) -> bytes:
    """Snappy of literals with lengths of two bytes."""
    place, shift, length = 0, 0, 0
    while True:
        byte = block[place]
        length |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            break
    out = bytearray()
    while place < len(block):
        assert block[place] == 61 << 2
        size = int.from_bytes(block[place + 1 : place + 3], "little") + 1
        out += block[place + 3 : place + 3 + size]
        place += 3 + size
    assert len(out) == length
    return bytes(out)
