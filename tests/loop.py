"""The loop around detectors without a cluster: a store, made-up metrics, and a detector of whole windows."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement, learning, undecided
from knowngood.core.detectors.port import Case, DetectorPort, Judged, Span
from knowngood.core.detectors.registry import detector
from knowngood.core.signals.answer import Answer, DataState, Row, Series, failed
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.shell.board import Board, ModelBoard
from knowngood.shell.cluster import ApiError, Resource
from knowngood.shell.keeper import Keeper
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.poller import Poller
from knowngood.shell.store import Key, Store
from tests import builders as b

MODEL: Key = (b.NAMESPACE, b.MODEL)
START = 1_000_000.0
WINDOW, INTERVAL = 20.0, 5.0
Value = Callable[[str, str, float], float | None]  # model, release, end of the window: the share of good ones


@dataclass(frozen=True, slots=True)
class Memory:
    """A sum that counts each window once; ``judged`` is the judgement of the last one."""

    end: float
    sum: float
    windows: int
    breach: bool


@dataclass
class Sums:
    """A detector of whole windows, under the name of one that policies know: the sum of all that fell short of what is
    usual, which is a breach beyond 0.5."""

    name: ClassVar[str] = "threshold"
    whole_windows: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    memory: ClassVar[type | None] = Memory
    calls: list[tuple[float, int]] = field(default_factory=list)
    poison: str = ""

    def judge(self, settings: Any, cases: Sequence[Case], span: Span) -> list[Judged]:
        self.calls.append((span.end, len(cases)))
        return [self._one(case, span) for case in cases]

    def _one(self, case: Case, span: Span) -> Judged:
        if self.poison and case.sample.labels.get("model") == self.poison:
            raise ZeroDivisionError("poison")
        sample, memory = case.sample, case.memory
        if sample.state is not DataState.OK or sample.value is None:
            return undecided(sample.state, sample.message), memory
        if case.baseline is None:
            return learning(), memory
        if memory is None or span.end > memory.end:
            before = memory or Memory(0, 0.0, 0, False)
            total = max(0.0, before.sum + case.baseline.mean - sample.value - 0.02)
            memory = Memory(span.end, total, before.windows + 1, total > 0.5)
        verdict, reason = (
            (Verdict.BREACH, Reason.BELOW_THRESHOLD) if memory.breach else (Verdict.HEALTHY, Reason.HEALTHY)
        )
        return Judgement(verdict, reason, "summed", memory.sum, sample.count, "0.5"), memory


@dataclass
class Source:
    """Answers a ratio as a function of the end of its window; while ``down`` nothing."""

    value: Value
    models: Sequence[str] = (b.MODEL,)
    releases: Sequence[str] = ("1",)
    tied: bool = True
    down: bool = False
    broken: str | None = None  # a metric of which alone nothing is answered
    asked: list[tuple[str, float | None, float | None]] = field(default_factory=list)
    clock: float = START

    async def query(self, text: str, timeout: float | None = None, at: float | None = None) -> Answer:
        self.asked.append((text, at, at))
        if self.down or (self.broken and self.broken in text):
            return failed(DataState.UNREACHABLE, "down")
        if text.startswith("group"):
            return Answer(DataState.OK, rows=tuple(self._owners()))
        return Answer(DataState.OK, rows=tuple(self._rows(self.clock if at is None else at)))

    async def query_range(
        self, text: str, start: float, end: float, step: float, timeout: float | None = None
    ) -> Answer:
        self.asked.append((text, start, end))
        if self.down:
            return failed(DataState.UNREACHABLE, "down")
        series: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
        for number in range(round((end - start) / step) + 1):
            for row in self._rows(start + number * step):
                series.setdefault(tuple(sorted(row.labels.items())), []).append((row.at, row.value))
        return Answer(DataState.OK, series=tuple(Series(dict(k), tuple(v)) for k, v in series.items()))

    def _owners(self) -> list[Row]:
        pods = [(m, r) for m in self.models for r in self.releases] if self.tied else []
        return [Row({**_labels(m, r), "pod": f"{b.MODEL}-{r}"}, 1.0, 0.0) for m, r in pods]

    def _rows(self, at: float) -> list[Row]:
        found = []
        for model in self.models:
            for release in self.releases:
                share = self.value(model, release, at)
                if share is not None:
                    # a sliding request reads the age of samples against the clock of this process
                    newest = time.time() if at == self.clock else at
                    parts = {"good": share * 100, "total": 100.0, "time": newest}
                    labels = _labels(model, release)
                    found += [Row({**labels, "knowngood_part": part}, value, at) for part, value in parts.items()]
        return found


def _labels(model: str, release: str) -> dict[str, str]:
    return {"namespace": b.NAMESPACE, "model": model, "release": release}


def steady(model: str, release: str, end: float) -> float:
    """Healthy traffic that is never twice the same."""
    return 0.9 + 0.01 * math.sin(end / 7)


def raw_policy(signals: Sequence[dict[str, Any]] | None = None, windows: int = 20, **spec: Any) -> dict[str, Any]:
    """The policy as the API server has it."""
    made = b.policy(signals, **{"learning": {"windows": windows}, **spec})
    meta = {"name": b.POLICY, "namespace": b.NAMESPACE, "uid": "policy-uid", "resourceVersion": "7", "generation": 1}
    return {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": "IncidentPolicy",
        "metadata": meta,
        "spec": made.spec.to_object(),
    }


def raw_model(name: str = b.MODEL, version: int = 1, status: Any = None, **spec: Any) -> dict[str, Any]:
    """A ModelDeployment that the Deployment `digits` serves."""
    return {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": b.NAMESPACE, "uid": f"uid-{name}", "resourceVersion": str(version)},
        "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": b.MODEL}, **spec},
        "status": {"releases": [{"digest": b.GOOD, "release": "1"}]} if status is None else status,
    }


def raw_deployment() -> dict[str, Any]:
    """The Deployment `digits`."""
    labels = {"app": b.MODEL}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "model", "image": b.image("good")}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": b.MODEL, "namespace": b.NAMESPACE, "uid": "w", "resourceVersion": "1", "labels": {}},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def raw_pod(release: str = "1", running: str = "good", version: int = 1) -> dict[str, Any]:
    """The one pod of a release."""
    image = b.image(running)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{b.MODEL}-{release}",
            "namespace": b.NAMESPACE,
            "uid": f"pod-{release}",
            "resourceVersion": str(version),
            "labels": {"app": b.MODEL},
        },
        "spec": {"containers": [{"name": "model", "image": image}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "model", "imageID": image}]},
    }


class Kubernetes:
    """ConfigMaps as an API server keeps them: each write against the version that was read."""

    def __init__(self) -> None:
        self.maps: dict[Key, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.reads: list[str] = []
        self.refuse: ApiError | None = None
        self.broken: dict[str, Exception] = {}  # what reading these by name ends in

    async def get(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        self.reads.append(name)
        if name in self.broken:
            raise self.broken[name]
        if (namespace, name) not in self.maps:
            raise ApiError(404, "NotFound", "not found")
        return copy.deepcopy(self.maps[(namespace or "", name)])

    async def create(self, resource: Resource, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        key = (namespace, body["metadata"]["name"])
        self._admit(key[1])
        if key in self.maps:
            raise ApiError(409, "AlreadyExists", "already exists")
        meta = {**body["metadata"], "uid": f"uid-{key[1]}", "resourceVersion": "1"}
        self.maps[key] = copy.deepcopy({**body, "metadata": meta})
        return copy.deepcopy(self.maps[key])

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: dict[str, Any], *, uid: str, resource_version: str
    ) -> dict[str, Any]:
        self._admit(name)
        found = self.maps[(namespace, name)]
        if (found["metadata"]["uid"], found["metadata"]["resourceVersion"]) != (uid, resource_version):
            raise ApiError(409, "Conflict", "changed")
        found["metadata"]["resourceVersion"] = str(int(resource_version) + 1)
        found["data"] = {**found["data"], **body["data"]}
        return copy.deepcopy(found)

    def _admit(self, name: str) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.writes.append(name)


class Loop:
    """A process' poller over a world; another one over the same world is what a restart makes."""

    def __init__(
        self,
        source: Source,
        policy: dict[str, Any] | None = None,
        sums: Sums | None = None,
        store: Store | None = None,
        api: Kubernetes | None = None,
    ) -> None:
        self.source, self.sums = source, sums or Sums()
        self.store = store or Store()
        if store is None:
            models = [raw_model(name) for name in source.models]
            for raw in (*models, raw_deployment(), raw_pod(), policy or raw_policy()):
                self.store.apply(raw)
        self.policies = Policies(self.store)
        self.lessons, self.board, self.woken = Lessons(), Board(), list[Key]()
        self.poller = Poller(
            self.store,
            self.policies,
            self.board,
            {"default": source},  # type: ignore[dict-item]
            self.woken.append,
            lambda _: None,
            self.lessons,
            self._find,
        )
        self.told: list[Key] = []
        self.api = api or Kubernetes()
        self.keeper = Keeper(
            self.api,  # type: ignore[arg-type]
            self.store,
            self.policies,
            self.board,
            self.lessons,
            self.poller.windows,
            self.told.append,
            self._find,
        )

    async def take_up(self) -> None:
        """Read what is kept, as the first poll has it done."""
        self.poller.ready = self.keeper.ready
        for group in self.policies.groups().values():
            for found in group:
                await self.keeper.load(*found)

    def _find(self, name: str) -> DetectorPort:
        """`threshold` signals are judged by the detector of whole windows, the others by what is really there."""
        return self.sums if name == "threshold" else detector(name)

    async def tick(self, at: float) -> None:
        """One poll."""
        self.source.clock = at
        for group in self.policies.groups().values():
            await self.poller.poll(group, at)

    async def run(self, since: float, until: float, step: float = INTERVAL) -> None:
        """Polls from ``since`` up to and without ``until``."""
        at = since
        while at < until:
            await self.tick(at)
            at += step

    @property
    def model(self) -> ModelBoard:
        """The board of `digits`."""
        return self.board.of(MODEL)

    @property
    def said(self) -> Judgement:
        """The last verdict of `accuracy` on `digits`."""
        return self.model.views[(b.POLICY, b.SIGNAL)].judgement

    @property
    def signal(self) -> CompiledSignal:
        """The signal `accuracy`."""
        return self.policies.signals_of(MODEL)[0]
