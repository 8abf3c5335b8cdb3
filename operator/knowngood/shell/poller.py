"""One central loop: signals grouped by source, query and interval; one request serves all models of a policy.

Ticks are aligned to the wall clock and never drift; a tick that would start while the one before still runs is
passed over and counted, so that a slow source never has two cycles at once.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

from knowngood.api.durations import seconds
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.observed import Verdict
from knowngood.core.facts.workload import Pod
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.judge import Judged, Releases, judge
from knowngood.core.incidents.modelstatus import container_of
from knowngood.core.incidents.releases import learn, soaked, ties_of
from knowngood.core.signals.answer import Answer, DataState, Row, failed
from knowngood.core.signals.compiled import POD, CompiledPolicy, CompiledSignal, model_matchers
from knowngood.core.signals.sample import Sample
from knowngood.shell import metrics
from knowngood.shell.board import Board, ModelBoard
from knowngood.shell.policies import Policies
from knowngood.shell.sources import PrometheusSource
from knowngood.shell.store import Key, Store

log = structlog.get_logger()
Group = Sequence[tuple[CompiledPolicy, tuple[Key, ...]]]
Wake = Callable[[Key], None]
_IDLE_SECONDS = 1.0


class Poller:
    """Asks, judges, and wakes whoever must know."""

    def __init__(
        self,
        store: Store,
        policies: Policies,
        board: Board,
        sources: Mapping[str, PrometheusSource],
        wake: Wake,
        wake_policy: Wake,
    ) -> None:
        self._store, self._policies, self._board, self._sources = store, policies, board, sources
        self._wake, self._wake_policy = wake, wake_policy
        self._running: dict[float, asyncio.Task[None]] = {}
        self.source_states: dict[Key, tuple[DataState, str]] = {}  # policy to the worst state of its answers

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            while True:
                now = time.time()
                due = {i: math.floor(now / i + 1) * i for i in self._policies.groups()}
                tick = min([*due.values(), now + _IDLE_SECONDS])
                await asyncio.sleep(max(0.0, tick - time.time()))
                for interval, at in due.items():
                    if at <= tick:
                        self._start(interval, at)
        finally:
            for task in self._running.values():
                task.cancel()

    def _start(self, interval: float, tick: float) -> None:
        before = self._running.get(interval)
        if before is not None and not before.done():
            metrics.MISSED_TICKS.labels(f"{interval:g}").inc()
            return
        group = self._policies.groups().get(interval, [])
        self._running[interval] = asyncio.create_task(self._cycle(interval, group, tick))

    async def _cycle(self, interval: float, group: Group, tick: float) -> None:
        began = time.monotonic()
        try:
            await self.poll(group, tick)
        except Exception:
            log.exception("poll cycle failed", interval=interval)
        for verdict, count in self._board.verdicts().items():
            metrics.SIGNALS.labels(verdict).set(count)
        metrics.CYCLES.labels(f"{interval:g}").inc()
        metrics.CYCLE_SECONDS.observe(time.monotonic() - began)

    async def poll(self, group: Group, tick: float) -> None:
        """One cycle: every distinct query once, then every model's verdicts. ``tick`` in seconds since the epoch."""
        distinct = list({(s.source, s.query) for compiled, _ in group for s in compiled.signals})
        answers = dict(zip(distinct, await asyncio.gather(*(self._ask(*d) for d in distinct)), strict=True))
        for compiled, models in group:
            await self._judge_policy(compiled, models, answers, tick)

    async def _ask(self, source: str, query: str) -> Answer:
        found = self._sources.get(source)
        if found is None:
            have = ", ".join(self._sources) or "none"
            return failed(DataState.NO_SOURCE, f"no source {source!r} is set up; there is {have}")
        return await found.query(query)

    async def _judge_policy(
        self,
        compiled: CompiledPolicy,
        models: Iterable[Key],
        answers: Mapping[tuple[str, str], Answer],
        tick: float,
    ) -> None:
        now = time.time()
        read = {s.name: _Read(s, answers[(s.source, s.query)], now) for s in compiled.signals}
        self._note_source(compiled, [r.answer for r in read.values()])
        for key in models:
            model = self._store.model(key)
            if model is None or model.spec.suspend:
                self._board.drop(key)  # what was seen before must not open an incident when it is judged again
            else:
                await self._judge_model(model, read, tick)

    def _note_source(self, compiled: CompiledPolicy, answers: Sequence[Answer]) -> None:
        key = (compiled.namespace, compiled.name)
        worst = max(answers, key=lambda a: (a.state.is_error, a.state is not DataState.OK))
        said = (worst.state, worst.message)
        if self.source_states.get(key) != said:
            self.source_states[key] = said
            self._wake_policy(key)

    async def _judge_model(self, model: ModelDeployment, read: Mapping[str, "_Read"], tick: float) -> None:
        key = (model.metadata.namespace, model.metadata.name)
        board = self._board.of(key)
        ref = model.spec.workload_ref
        workload = self._store.workload(ref.kind.value, (key[0], ref.name))
        container = container_of(model, workload)
        pods = {p.name: p for p in self._store.pods(workload)}
        board.ties = {**ties_of(model.status.releases), **board.ties}
        changed = False
        releases = _releases(board.ties, pods, container)
        for found in read.values():
            judged = found.judge(model, board, releases, tick)
            if judged.unknown_releases and await self._learn(found, model, board, pods, container, tick):
                releases = replace(releases, ties=board.ties)
                judged = found.judge(model, board, releases, tick)
            changed |= board.record(found.signal, judged, moment(tick))
        board.keep_only((s.policy, s.name) for s in self._policies.signals_of(key))
        interval = next(iter(read.values())).signal.interval
        if _soak(board, releases.running, interval, tick, model):
            changed = True
        if changed:
            self._wake(key)

    async def _learn(
        self,
        found: "_Read",
        model: ModelDeployment,
        board: ModelBoard,
        pods: Mapping[str, Pod],
        container: str,
        tick: float,
    ) -> bool:
        """Tie the unknown release labels to images, by the pods that export them; True where that told something."""
        owners = await found.owners(self._ask)
        label, matchers = found.signal.release_label, model_matchers(model, found.signal.model_label)
        seen = [
            (row.labels[label], row.labels[POD])
            for row in owners.get(tuple(sorted(matchers.items())), ())
            if label in row.labels and POD in row.labels
        ]
        ties = learn(board.ties, seen, pods, container)
        if not board.ties and (board.tentative.get("ties") != ties or board.tentative.get("tick") == tick):
            # of a model without any history a late label may be the first to be seen: believe what two polls see
            board.tentative = {"ties": ties, "tick": tick}
            return False
        told = ties != board.ties
        board.ties = ties
        return told


Ask = Callable[[str, str], Awaitable[Answer]]
Matched = tuple[tuple[str, str], ...]


class _Read:
    """A signal's answer, its samples indexed by model once for all models."""

    def __init__(self, signal: CompiledSignal, answer: Answer, now: float) -> None:
        self.signal, self.answer = signal, answer
        self._samples = signal.decode(answer.rows, now)
        self._owners: _Owners | None = None
        self._indices: dict[tuple[str, ...], dict[tuple[str, ...], list[Sample]]] = {}

    def judge(self, model: ModelDeployment, board: ModelBoard, releases: Releases, tick: float) -> Judged:
        matchers = model_matchers(model, self.signal.model_label)
        before = board.judged.get((self.signal.policy, self.signal.name))
        return judge(self.signal, self.answer, self._of(matchers), matchers, releases, before, tick)

    async def owners(self, ask: Ask) -> "_Owners":
        """Which pods export this signal's series, asked once a cycle however many models want to know."""
        if self._owners is None:
            self._owners = _Owners((await ask(self.signal.source, self.signal.owners)).rows)
        return self._owners

    def _of(self, matchers: Mapping[str, str]) -> Sequence[Sample]:
        names = tuple(sorted(matchers))
        if names not in self._indices:
            index: dict[tuple[str, ...], list[Sample]] = {}
            for sample in self._samples:
                index.setdefault(tuple(sample.labels.get(n, "") for n in names), []).append(sample)
            self._indices[names] = index
        return self._indices[names].get(tuple(matchers[n] for n in names), ())


class _Owners:
    """Rows of an owners query, indexed by a model's labels when they are first asked for."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._indices: dict[tuple[str, ...], dict[Matched, list[Row]]] = {}

    def get(self, matched: Matched, default: Sequence[Row]) -> Sequence[Row]:
        """The rows that carry these labels."""
        names = tuple(name for name, _ in matched)
        if names not in self._indices:
            index: dict[Matched, list[Row]] = {}
            for row in self._rows:
                index.setdefault(tuple((n, row.labels.get(n, "")) for n in names), []).append(row)
            self._indices[names] = index
        return self._indices[names].get(matched, default)


def _releases(ties: Mapping[str, str], pods: Mapping[str, Pod], container: str) -> Releases:
    found = {name: c.running.digest for name, p in pods.items() if p.live and (c := p.container(container))}
    return Releases(ties, found, frozenset(d for d in found.values() if d))


def _soak(board: ModelBoard, running: frozenset[str], interval: float, tick: float, model: ModelDeployment) -> bool:
    """Count a healthy interval for the one release that runs; True where its record has to move on."""
    for view in board.views.values():
        if view.judgement.verdict is Verdict.BREACH and view.judgement.digest:
            board.healthy_for[view.judgement.digest] = 0.0
    if len(running) != 1 or not board.healthy:
        return False
    digest, soak = next(iter(running)), seconds(model.spec.promotion.soak)
    if digest not in board.healthy_for:
        noted = next((r.healthy_for for r in model.status.releases if r.digest == digest), None)
        board.healthy_for[digest] = seconds(noted) if noted else 0.0
    before = board.healthy_for[digest]
    passed = min(interval, tick - board.counted_at)  # several policies may judge the model, each at its own pace
    board.counted_at = tick
    board.healthy_for[digest] = before + passed
    return soaked(before, soak) != soaked(before + passed, soak)
