"""Samples in the format of Prometheus' remote write 1.0, https://prometheus.io/docs/specs/prw/remote_write_spec/.

A protobuf message of three small types inside a snappy block. Written by hand, since neither library is needed for
anything else: https://protobuf.dev/programming-guides/encoding/ and snappy's format_description.txt, of which only
literals are used.
"""

import struct
from collections.abc import Iterable, Sequence

HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_LITERAL = 65_536  # bytes of one


def body(series: Iterable[tuple[Sequence[tuple[str, str]], Iterable[tuple[int, float]]]]) -> bytes:
    """A request: for each series its sorted labels and its (milliseconds since the epoch, value) samples."""
    return _snappy(b"".join(_bytes(1, _series(labels, samples)) for labels, samples in series))


def _series(labels: Sequence[tuple[str, str]], samples: Iterable[tuple[int, float]]) -> bytes:
    named = (_bytes(1, _bytes(1, k.encode()) + _bytes(2, v.encode())) for k, v in labels)
    points = (_bytes(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(time)) for time, value in samples)
    return b"".join(named) + b"".join(points)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _snappy(content: bytes) -> bytes:
    parts = (content[i : i + _LITERAL] for i in range(0, len(content), _LITERAL))
    return _varint(len(content)) + b"".join(b"\xf4" + struct.pack("<H", len(p) - 1) + p for p in parts)
