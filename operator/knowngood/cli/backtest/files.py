"""Files of history: which format one is in, read line by line, so that what is wrong is told by its line."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from knowngood.cli.backtest import samples, values
from knowngood.cli.errors import InputError

History = samples.Samples | values.Values


def read(path: Path) -> History:
    """What a file holds: CSV if its name ends with ``.csv``, else OpenMetrics. Raises InputError naming the line."""
    try:
        with path.open(encoding="utf-8") as lines:
            counted = _Counted(lines)
            try:
                found = _csv(counted) if path.suffix.lower() == ".csv" else samples.parse_openmetrics(counted)
            except samples.SampleError as error:
                raise InputError(f"{path}, line {counted.number}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8") from None
    if not (found.series if isinstance(found, samples.Samples) else found.rows):
        raise InputError(f"{path}: holds no samples")
    return found


def _csv(lines: Iterable[str]) -> History:
    rows = csv.reader(lines, strict=True)
    try:
        header = [name.strip().removeprefix("\ufeff") for name in next(rows, [])]
        return values.parse(header, rows) if values.is_values(header) else samples.parse_csv(header, rows)
    except csv.Error as error:
        raise samples.SampleError(f"not CSV: {error}") from None


class _Counted:
    """Lines, and how many were read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.number = lines, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            yield line
