"""What is kept in the cluster of detectors and baselines, as the text of one ConfigMap, and read again.

The text is JSON, compressed (``base64 -d | gunzip`` shows it). It is bounded: models that have no room are left out
and counted. What was written under another way of asking or judging is passed over when it is read.
"""

import base64
import binascii
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from knowngood.core.detectors.codec import plain, read
from knowngood.core.detectors.learning import Learner
from knowngood.core.incidents.placing import SeriesKey

MOST_BYTES = 512 * 1024
_MOST_UNPACKED = 64 * 1024 * 1024
_VERSION = 1
_LONGEST_NAME = 253
Series = Mapping[SeriesKey, Any]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class KeptSignal:
    """One signal's memory: up to the window that ended at ``end``, by model; and what it was learning of each."""

    judged_by: str
    measured: str
    end: float | None = None
    since: Mapping[str, float] = field(default_factory=dict)  # by model, since when there was no data
    memories: Mapping[str, Series] = field(default_factory=dict)
    learners: Mapping[str, Mapping[SeriesKey, Learner]] = field(default_factory=dict)


State = Mapping[str, KeptSignal]
"""By signal: what one policy remembers."""
Baselines = Mapping[tuple[str, str], tuple[str, Mapping[SeriesKey, Learner]]]
"""By policy and signal: what is measured, and what was learned of one model."""


class UnreadableError(ValueError):
    """What was kept is not what was written."""


def kept_name(what: str, owner: str) -> str:
    """The name of the ConfigMap that keeps ``state`` or ``baseline`` of its owner."""
    name = f"knowngood-{what}-{owner}"
    if len(name) <= _LONGEST_NAME:
        return name
    mark = hashlib.sha256(owner.encode()).hexdigest()[:12]
    return f"{name[: _LONGEST_NAME - 13].rstrip('-.')}-{mark}"


def state_text(state: State, most: int = MOST_BYTES) -> tuple[str, int]:
    """The text of a policy's state, and how many models it has no room for. The same state gives the same text."""
    models = sorted({m for kept in state.values() for m in (*kept.memories, *kept.learners)})
    return _fitted(models, lambda chosen: _state(state, chosen), most)


def baselines_text(baselines: Baselines, most: int = MOST_BYTES) -> tuple[str, int]:
    """The text of a model's baselines, and how many signals it has no room for."""
    keys = sorted(baselines)
    return _fitted(keys, lambda chosen: [[*k, baselines[k][0], _series(baselines[k][1])] for k in chosen], most)


def _state(state: State, models: Iterable[str]) -> dict[str, Any]:
    chosen = list(models)
    return {
        name: {
            "by": kept.judged_by,
            "of": kept.measured,
            "end": kept.end,
            "since": {m: kept.since[m] for m in chosen if m in kept.since},
            "memories": {m: _series(kept.memories[m]) for m in chosen if m in kept.memories},
            "learners": {m: _series(kept.learners[m]) for m in chosen if m in kept.learners},
        }
        for name, kept in sorted(state.items())
    }


def _series(series: Series) -> list[Any]:
    return [[digest, labels, plain(value)] for (digest, labels), value in sorted(series.items(), key=lambda s: s[0])]


def _fitted(keys: list[Any], content: Callable[[list[Any]], Any], most: int) -> tuple[str, int]:
    chosen = keys
    while True:
        document = json.dumps({"version": _VERSION, "content": content(chosen)}, separators=(",", ":"), default=_scalar)
        text = base64.b64encode(gzip.compress(document.encode(), 6, mtime=0)).decode()
        if len(text) <= most or not chosen:
            return text, len(keys) - len(chosen)
        chosen = chosen[: min(len(chosen) - 1, int(len(chosen) * most / len(text) * 0.95))]


def _scalar(value: Any) -> Any:
    """A number of numpy's as Python's own."""
    return value.item()


def read_state(text: str, memory_of: Mapping[str, type | None]) -> dict[str, KeptSignal]:
    """A policy's state; ``memory_of`` are the types of memory by signal. Raises UnreadableError."""

    def signals(content: Any) -> dict[str, KeptSignal]:
        return {name: _signal(raw, memory_of[name]) for name, raw in content.items() if name in memory_of}

    return _understood(text, signals)


def read_baselines(text: str) -> dict[tuple[str, str], tuple[str, dict[SeriesKey, Learner]]]:
    """A model's baselines. Raises UnreadableError."""

    def lessons(content: Any) -> dict[tuple[str, str], tuple[str, dict[SeriesKey, Learner]]]:
        return {(str(p), str(s)): (str(of), _keyed(raw, Learner)) for p, s, of, raw in content}

    return _understood(text, lessons)


def _signal(raw: Any, memory: type | None) -> KeptSignal:
    memories = {str(m): _keyed(s, memory) for m, s in raw["memories"].items()} if memory else {}
    return KeptSignal(
        judged_by=str(raw["by"]),
        measured=str(raw["of"]),
        end=None if raw["end"] is None else float(raw["end"]),
        since={str(m): float(s) for m, s in raw["since"].items()},
        memories=memories,
        learners={str(m): _keyed(s, Learner) for m, s in raw["learners"].items()},
    )


def _keyed(raw: Any, kind: type) -> dict[SeriesKey, Any]:
    return {
        (str(digest), tuple((str(k), str(v)) for k, v in labels)): read(kind, value) for digest, labels, value in raw
    }


def _understood(text: str, reader: Callable[[Any], _T]) -> _T:
    try:
        packed = base64.b64decode(text, validate=True)
        unpacking = zlib.decompressobj(wbits=31)
        document = json.loads(unpacking.decompress(packed, _MOST_UNPACKED))
        if document["version"] != _VERSION:
            raise ValueError(f"version {document['version']!r} is not {_VERSION}")
        return reader(document["content"])
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error, zlib.error, RecursionError) as error:
        raise UnreadableError(f"{type(error).__name__}: {str(error)[:160]}") from error
