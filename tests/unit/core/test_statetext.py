"""What is kept is read again as it was; what is not ours to read is refused whole."""

import base64
import dataclasses
import gzip
import json
import math
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.detectors.codec import plain, read
from knowngood.core.detectors.learning import Learner
from knowngood.core.detectors.registry import DETECTORS
from knowngood.core.incidents.statetext import (
    MOST_BYTES,
    KeptSignal,
    UnreadableError,
    baselines_text,
    kept_name,
    read_baselines,
    read_state,
    state_text,
)
from tests import builders as b
from tests.loop import Memory

pytestmark = pytest.mark.unit
FLOATS = st.floats(allow_nan=False)
LEARNERS = st.builds(
    Learner,
    FLOATS,
    st.integers(0, 10**6),
    *[FLOATS] * 3,
    FLOATS | st.none(),
    st.integers(0, 10**6),
    *[FLOATS] * 7,
    st.lists(FLOATS, max_size=4).map(tuple),
    st.lists(st.integers(0, 10**9), max_size=4).map(tuple),
    st.lists(FLOATS, max_size=4).map(tuple),
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.text(), st.text()), max_size=2).map(tuple),
            st.integers(0, 9),
            st.integers(0, 9),
            FLOATS,
            FLOATS,
        ),
        max_size=3,
    ).map(tuple),
)
KEYS = st.tuples(
    st.text(max_size=9), st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=2).map(tuple)
)
MEMORIES = st.builds(Memory, FLOATS, FLOATS, st.integers(), st.booleans())


def by_model(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.text(max_size=9), st.dictionaries(KEYS, values, max_size=3), max_size=3)


@given(by_model(MEMORIES), by_model(LEARNERS), st.dictionaries(st.text(max_size=9), FLOATS, max_size=2))
def test_a_state_is_read_as_it_was(memories: Any, learners: Any, since: Any) -> None:
    models = {*memories, *learners}
    kept = KeptSignal("by", "of", 7.0, {m: s for m, s in since.items() if m in models}, memories, learners)
    text, left_out = state_text({"s": kept})
    assert left_out == 0
    assert read_state(text, {"s": Memory}) == {"s": kept}
    assert state_text({"s": kept})[0] == text, "the same state is the same text, so that nothing is written"


@given(
    st.dictionaries(st.tuples(st.text(max_size=9), st.text(max_size=9)), st.dictionaries(KEYS, LEARNERS, max_size=3))
)
def test_baselines_are_read_as_they_were(found: Any) -> None:
    kept = {key: ("of", series) for key, series in found.items()}
    assert read_baselines(baselines_text(kept)[0]) == kept


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.name)
def test_every_detector_has_a_memory_that_can_be_kept(detector: Any) -> None:
    if detector.memory is not None:
        assert dataclasses.is_dataclass(detector.memory)
        assert all(f.type for f in dataclasses.fields(detector.memory))


def test_infinite_edges_and_numbers_of_numpy_are_kept() -> None:
    learner = Learner(1.0, edges=(0.5, math.inf), mean=numpy.float64(0.25), windows=numpy.int64(3))
    kept = read_baselines(baselines_text({("p", "s"): ("of", {("d", ()): learner})})[0])
    assert kept == {("p", "s"): ("of", {("d", ()): Learner(1.0, edges=(0.5, math.inf), mean=0.25, windows=3)})}


def packed(document: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(document).encode())).decode()


SERIES = [["d", [], [1.0, 2.0, 3, True]]]


def signal(**changes: Any) -> dict[str, Any]:
    return {"by": "x", "of": "y", "end": 1.0, "since": {}, "memories": {"m": SERIES}, "learners": {}, **changes}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        base64.b64encode(b"not compressed").decode(),
        base64.b64encode(gzip.compress(b"not json")).decode(),
        packed([]),
        packed({"version": 2, "content": {}}),
        packed({"version": 1}),
        packed({"version": 1, "content": []}),
        packed({"version": 1, "content": {"s": 7}}),
        packed({"version": 1, "content": {"s": signal(end="soon")}}),
        packed({"version": 1, "content": {"s": signal(memories={"m": [["d", [], [1.0, 2.0]]]})}}),
        packed({"version": 1, "content": {"s": signal(memories={"m": [["d", [], [1.0, "2", 3, True]]]})}}),
        packed({"version": 1, "content": {"s": signal(memories={"m": [["d", [], [1.0, 2.0, 3, 1]]]})}}),
        packed({"version": 1, "content": {"s": signal(memories=[])}}),
        packed({"version": 1, "content": {"s": signal(learners={"m": SERIES})}}),
        base64.b64encode(gzip.compress(b"[" * 100_000)).decode(),
        base64.b64encode(gzip.compress(b" " * (100 << 20))).decode(),
    ],
)
def test_what_was_not_written_by_this_version_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_state(text, {"s": Memory})
    with pytest.raises(UnreadableError):
        read_baselines(text + "!")


@given(st.binary(max_size=200))
def test_anything_is_refused_and_nothing_crashes(raw: bytes) -> None:
    for text in (raw.decode("latin-1"), base64.b64encode(gzip.compress(raw)).decode()):
        with pytest.raises(UnreadableError):
            read_state(text, {"s": Memory})


def test_a_well_formed_one_is_read() -> None:
    found = read_state(packed({"version": 1, "content": {"s": signal(), "gone": signal()}}), {"s": Memory})
    assert found == {"s": KeptSignal("x", "y", 1.0, {}, {"m": {("d", ()): Memory(1.0, 2.0, 3, True)}}, {})}


def test_what_does_not_fit_is_counted_and_the_rest_is_whole() -> None:
    memories = {f"m{n:04}": {(b.digest(str(n)), ()): Memory(n / 7, n / 3, n, False)} for n in range(500)}
    kept = KeptSignal("by", "of", 7.0, {}, memories, {})
    text, left_out = state_text({"s": kept}, most=8_000)
    assert len(text) <= 8_000
    found = read_state(text, {"s": Memory})["s"].memories
    assert len(found) == 500 - left_out > 20
    assert found == {m: memories[m] for m in sorted(memories)[: len(found)]}
    assert state_text({"s": kept}, most=1)[1] == 500


def test_a_thousand_models_have_room() -> None:
    labels = (("group", "a"), ("model", "m"), ("namespace", "n"), ("release", "2026.11.23"))
    learner = Learner(1.7e9, 40, 0.91, 0.004, 0.9, 0.92, 39, 0.11, 0.12, 0.002, 8e5, 7e5, 8e5, 6e5)
    learners = {f"m{n}": {(b.digest(str(n)), labels): learner} for n in range(1_000)}
    memories = {f"m{n}": {(b.digest(str(n)), labels): Memory(1.7e9, n / 7, n, False)} for n in range(1_000)}
    signals = {name: KeptSignal("by", "of", 1.7e9, {}, memories, learners) for name in ("a", "b", "c")}
    text, left_out = state_text(signals)
    assert left_out == 0
    assert len(text) < MOST_BYTES


def test_names_are_the_owners_and_never_too_long() -> None:
    assert kept_name("baseline", "digits") == "knowngood-baseline-digits"
    long = [kept_name("state", "p" * 252 + end) for end in "ab"]
    assert len(set(long)) == 2
    assert max(map(len, long)) <= 253


@dataclasses.dataclass(frozen=True)
class Nested:
    pair: tuple[int, float]
    maybe: str | None
    inner: Memory


def test_nested_memories_are_read_as_they_were() -> None:
    value = Nested((1, 2.0), None, Memory(1.0, 2.0, 3, True))
    raw = json.loads(json.dumps([list(value.pair), value.maybe, plain(value.inner)]))
    assert read(Nested, raw) == value
    for wrong in ([[1], None, raw[2]], [[1, 2.0], 7, raw[2]], [7, None, raw[2]], [[1, 2.0], None, 7]):
        with pytest.raises(ValueError, match="expected"):
            read(Nested, wrong)
