"""What is settled in columns is what judging every model by itself would say, whatever happens to anybody meanwhile."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowngood.api.observed import Verdict
from knowngood.core.detectors.occurrence import Occurrence
from knowngood.core.detectors.port import Case, DetectorPort, Judged, Span
from knowngood.core.detectors.registry import detector
from knowngood.core.detectors.threshold import Threshold
from knowngood.core.signals.answer import Answer, DataState, Known, failed, parse_answer
from knowngood.shell.board import Board
from knowngood.shell.policies import Policies
from knowngood.shell.poller import Poller
from knowngood.shell.store import Key, Store
from tests import builders as b
from tests.loop import INTERVAL, START, raw_deployment, raw_model, raw_pod, raw_policy
from tests.unit.shell.test_loop import incident_raw

pytestmark = pytest.mark.unit
MODELS, RELEASES, GROUPS = ("a", "b", b.MODEL), ("1", "2"), ("", "x", "y")


class Plain:
    """A detector that says nothing of many at once."""

    whole_windows: ClassVar[bool] = False
    learns: ClassVar[bool] = False
    memory: ClassVar[type | None] = None

    def __init__(self, of: DetectorPort) -> None:
        self._of = of
        self.name = of.name  # type: ignore[misc]

    def judge(self, given: Any, cases: Sequence[Case], span: Span) -> list[Judged]:
        return self._of.judge(given, cases, span)


Series = tuple[str, str, str]  # model, release, group
Numbers = Mapping[Series, tuple[float, float]]  # good ones and all


class World:
    """What there is, for a poller; two of them live through the same."""

    def __init__(self, policy: Mapping[str, Any], columns: bool, by_pod: bool) -> None:
        self.store, self.board, self.known = Store(), Board(), Known()
        self.policies = Policies(self.store)
        self.numbers: Numbers = {}
        self.down, self.by_pod, self.late, self.looks = False, by_pod, 0.0, 0
        self.woken: list[Key] = []
        self.policies_woken: list[Key] = []
        find = self._counted if columns else lambda name: Plain(detector(name))
        self.poller = Poller(
            self.store,
            self.policies,
            self.board,
            {"default": self},  # type: ignore[dict-item]
            self.woken.append,
            self.policies_woken.append,
            find=find,
        )
        for raw in (raw_deployment(), raw_pod(), *(raw_model(name) for name in MODELS), policy):
            self.store.apply(dict(raw))

    def _counted(self, name: str) -> DetectorPort:
        looking: DetectorPort = {"threshold": Looking, "occurrence": Occurrence}[name]()
        if isinstance(looking, Looking):
            looking.world = self
        return looking

    async def query(self, text: str) -> Answer:
        if self.down:
            return failed(DataState.UNREACHABLE, "down")
        rows = self._owners() if text.startswith("group") else self._rows()
        body = {"status": "success", "data": {"resultType": "vector", "result": rows}}
        return parse_answer(200, json.dumps(body).encode(), text, self.known)

    def _owners(self) -> list[dict[str, Any]]:
        names = sorted({(m, r) for m, r, _ in self.numbers})
        return [row({"model": m, "release": r, "pod": f"{b.MODEL}-{r}"}, 1.0) for m, r in names]

    def _rows(self) -> list[dict[str, Any]]:
        found = []
        for (model, release, group), (good, total) in self.numbers.items():
            told = {"pod": f"{b.MODEL}-{release}"} if self.by_pod else {"release": release}
            labels = {"model": model, **told, **({"group": group} if group else {})}
            parts = {"good": good, "total": total, "exposure": total, "time": time.time() - self.late}
            if good < total:  # a counter that has counted nothing is not there
                parts["events"] = total - good
            found += [row({**labels, "knowngood_part": part}, value) for part, value in parts.items()]
        return found

    def seen(self) -> Any:
        """All that anybody can tell of the models."""
        return {name: self._seen((b.NAMESPACE, name)) for name in MODELS}

    def _seen(self, key: Key) -> Any:
        board = self.board.of(key)
        views = {
            k: (
                v.since,
                v.healthy_at,
                rounded(j.value),
                rounded(j.count),
                j.verdict,
                j.reason,
                j.message,
                dict(j.segment),
                j.digest,
                j.release,
                j.state,
            )
            for k, v in board.views.items()
            for j in [v.judgement]
        }
        memories = {k: dict(j.memories) for k, j in board.judged.items()}
        return views, memories, board.healthy_for, board.doubted_at, board.ties


def rounded(number: float | None) -> float | None:
    """Sums over pods may differ by a hair, by their order."""
    return None if number is None else round(number, 9)


class Looking(Threshold):
    """Counts the models that it is asked for one by one."""

    world: World

    def judge(self, given: Any, cases: Sequence[Case], span: Span) -> list[Judged]:
        self.world.looks += len(cases)
        return super().judge(given, cases, span)


def row(labels: Mapping[str, str], value: float) -> dict[str, Any]:
    text = {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN" if math.isnan(value) else repr(value))
    return {"metric": {"namespace": b.NAMESPACE, **labels}, "value": [START, text]}


PAIRS = st.sampled_from([(97.0, 100.0), (99.0, 100.0), (20.0, 100.0), (5.0, 5.0), (0.0, 0.0), (math.nan, 100.0)])
NUMBERS = st.dictionaries(
    st.tuples(st.sampled_from(MODELS), st.sampled_from(RELEASES), st.sampled_from(GROUPS)), PAIRS, max_size=6
)
HEALTHY = st.fixed_dictionaries({(m, "1", ""): st.sampled_from([(97.0, 100.0), (98.0, 100.0)]) for m in MODELS})
STEPS = st.one_of(
    st.just(("poll", None)),
    st.tuples(st.just("numbers"), NUMBERS | HEALTHY),
    st.tuples(st.just("pod"), st.tuples(st.sampled_from(RELEASES), st.sampled_from(["good", "bad", ""]))),
    st.tuples(st.just("model"), st.tuples(st.sampled_from(MODELS), st.sampled_from(["there", "gone", "suspended"]))),
    st.tuples(st.just("incident"), st.sampled_from(["Open", "Closed"])),
    st.tuples(st.just("down"), st.booleans()),
    st.tuples(st.just("late"), st.sampled_from([0.0, 1_000.0])),
    st.tuples(st.just("limit"), st.sampled_from([0.9, 0.985])),
)


def policy(limit: float = 0.9, version: int = 7, **identity: str) -> dict[str, Any]:
    ratio = {"good": "good_total", "total": "all_total", "window": "20s"}
    threshold = {"below": limit, "for": "10s", "minSamples": 50}
    events = {"metric": "bad_total", "exposure": "all_total", "window": "20s"}
    never = {"threshold": None, "occurrence": {}}
    signals = [
        b.signal(ratio=ratio, detector={"threshold": threshold}),
        b.signal(name="often", ratio=None, events=events, detector=never),
    ]
    raw = raw_policy(signals, identity={"model": "model", **identity})
    return {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(version)}}


def happen(world: World, version: int, what: str, given: Any, identity: Mapping[str, str]) -> None:
    store, key = world.store, (b.NAMESPACE, given[0] if isinstance(given, tuple) else "")
    match what:
        case "numbers":
            world.numbers = given
        case "pod" if given[1]:
            raw = raw_pod(given[0], given[1], version)
            entry = store.entry("Pod", (b.NAMESPACE, f"{b.MODEL}-{given[0]}"))
            store.apply({**raw, "metadata": {**raw["metadata"], "uid": entry.uid if entry else f"pod-{version}"}})
        case "pod":
            gone = store.entry("Pod", (b.NAMESPACE, f"{b.MODEL}-{given[0]}"))
            store.drop("Pod", (b.NAMESPACE, f"{b.MODEL}-{given[0]}"), gone.uid if gone else "")
        case "model" if given[1] == "gone":
            entry = store.entry("ModelDeployment", key)
            store.drop("ModelDeployment", key, entry.uid if entry else "")
            world.board.drop(key)  # as the engine does
        case "model":
            entry = store.entry("ModelDeployment", key)
            raw = raw_model(given[0], version, suspend=given[1] == "suspended")
            store.apply({**raw, "metadata": {**raw["metadata"], "uid": entry.uid if entry else f"m-{version}"}})
        case "incident":
            store.apply(incident_raw(given, version=version))
        case "down":
            world.down = given
        case "late":
            world.late = given
        case "limit":
            store.apply(policy(given, version, **identity))


@pytest.mark.parametrize("identity", [{"release": "release"}, {}], ids=["label", "pods"])
@settings(max_examples=60)
@given(st.lists(STEPS, max_size=14))
async def test_columns_say_what_a_look_at_each_would(identity: dict[str, str], steps: list[tuple[str, Any]]) -> None:
    worlds = [World(policy(**identity), columns, by_pod=not identity) for columns in (True, False)]
    start = {(m, "1", ""): (97.0, 100.0) for m in MODELS}
    events: list[tuple[str, Any]] = [("numbers", start), ("poll", None), ("poll", None), *steps, ("poll", None)]
    for number, (what, given_) in enumerate(events):
        found = []
        for world in worlds:
            happen(world, 100 + number, what, given_, identity)
            world.woken.clear()
            for group in world.policies.groups().values():
                await world.poller.poll(group, START + number * INTERVAL)
            found.append((world.seen(), sorted(world.woken), world.board.verdicts()))
        assert found[0] == found[1], (number, what)


async def test_who_is_healthy_as_before_is_not_looked_at() -> None:
    world = World(policy(release="release"), columns=True, by_pod=False)
    world.numbers = {(m, "1", ""): (97.0, 100.0) for m in MODELS}
    looks = []
    for number in range(6):
        if number == 4:
            world.numbers = {**world.numbers, ("a", "1", ""): (20.0, 100.0)}
        before = world.looks
        for group in world.policies.groups().values():
            await world.poller.poll(group, START + number * INTERVAL)
        looks.append(world.looks - before)
    assert looks == [3, 0, 0, 0, 1, 1]


async def test_while_the_source_fails_in_the_same_way_everybody_was_told() -> None:
    world = World(policy(release="release"), columns=True, by_pod=False)
    world.numbers = {(m, "1", ""): (100.0, 100.0) for m in MODELS}
    told, looks = list[int](), list[int]()
    for number in range(8):
        world.down = 2 <= number < 6
        world.woken.clear()
        before = world.looks
        for group in world.policies.groups().values():
            await world.poller.poll(group, START + number * INTERVAL)
        told.append(len(world.woken))
        looks.append(world.looks - before)
        verdicts = world.board.verdicts()
        assert verdicts["Error" if world.down else "Healthy"] == 2 * len(MODELS)
    assert told == [3, 0, 3, 0, 0, 0, 3, 0]
    assert looks == [3, 0, 0, 0, 0, 0, 3, 0]


async def test_of_a_counter_that_nobody_has_the_policy_tells_and_no_model() -> None:
    """The first event of one model changes nothing that is said of the others."""
    world = World(policy(release="release"), columns=True, by_pod=False)
    told, woken = list[bool](), list[set[Key]]()
    for number, bad in enumerate((0.0, 0.0, 3.0, 0.0)):
        world.numbers = {(m, "1", ""): (100.0 - (bad if m == "a" else 0.0), 100.0) for m in MODELS}
        world.woken.clear()
        for group in world.policies.groups().values():
            await world.poller.poll(group, START + number * INTERVAL)
        woken.append(set(world.woken))
        view = world.board.of((b.NAMESPACE, "b")).views[(b.POLICY, "often")].judgement
        (said,) = world.poller.remarks.values()
        assert (view.verdict, view.remark) == (Verdict.HEALTHY, "")
        told.append("no model has a series of bad_total" in said["often"])
    assert told == [True, True, False, True]
    assert woken[1:] == [set(), {(b.NAMESPACE, "a")}, {(b.NAMESPACE, "a")}], "whom it happened to"


async def test_what_is_remarked_stays_while_nothing_can_be_judged_and_goes_with_its_policy() -> None:
    world = World(policy(release="release"), columns=True, by_pod=False)
    told = []
    for number, total in enumerate((100.0, 0.0, 100.0)):
        world.numbers = {(m, "1", ""): (total, total) for m in MODELS}
        world.policies_woken.clear()
        for group in world.policies.groups().values():
            await world.poller.poll(group, START + number * INTERVAL)
        (said,) = world.poller.remarks.values()
        told.append((bool(said["often"]), world.policies_woken.count((b.NAMESPACE, b.POLICY))))
    assert [said for said, _ in told] == [True, True, True]
    assert [wakes for _, wakes in told][1:] == [0, 0]
    world.poller.forget((b.NAMESPACE, b.POLICY))
    assert (world.poller.remarks, world.poller.source_states) == ({}, {})
