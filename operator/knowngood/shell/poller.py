"""One central loop: signals grouped by source, query and interval; one request serves all models of a policy.

Ticks are aligned to the wall clock and never drift; a tick that would start while the one before still runs is
passed over and counted, so that a slow source never has two cycles at once.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from knowngood.core.detectors.port import DetectorPort
from knowngood.core.detectors.registry import detector
from knowngood.core.signals.answer import Answer, DataState, failed
from knowngood.core.signals.compiled import CompiledPolicy, CompiledSignal
from knowngood.shell import metrics
from knowngood.shell.asking import Asking, asked
from knowngood.shell.board import Board
from knowngood.shell.judging import Judging
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.reads import Read
from knowngood.shell.sources import MetricsSource
from knowngood.shell.store import Key, Store
from knowngood.shell.windows import Question, Windows, newest_end
from knowngood.shell.windows import SignalKey as WholeKey

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
        sources: Mapping[str, MetricsSource],
        wake: Wake,
        wake_policy: Wake,
        lessons: Lessons | None = None,
        find: Callable[[str], DetectorPort] = detector,
        clock: Callable[[], float] = time.time,
        asking: Asking = asked,
    ) -> None:
        self._policies, self._board, self._sources = policies, board, sources
        self._clock, self._asking = clock, asking
        self.windows = Windows()
        self.ready: Callable[[CompiledPolicy, Sequence[Key]], bool] = lambda compiled, models: True
        self._judging = Judging(store, policies, board, lessons or Lessons(), find)
        self._late: dict[WholeKey, Read] = {}
        self._wake, self._wake_policy = wake, wake_policy
        self._running: dict[float, asyncio.Task[None]] = {}
        self.source_states: dict[Key, tuple[DataState, str]] = {}  # policy to the worst state of its answers
        self.remarks: dict[Key, dict[str, str]] = {}  # by policy, what is remarked on all of a signal's data

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
            self._judging.close()

    def _start(self, interval: float, tick: float) -> None:
        before = self._running.get(interval)
        if before is not None and not before.done():
            metrics.MISSED_TICKS.labels(f"{interval:g}").inc()
            return
        group = self._policies.groups().get(interval, [])
        self._running[interval] = asyncio.create_task(self.cycle(interval, group, tick))

    async def cycle(self, interval: float, group: Group, tick: float) -> None:
        """One poll, and what it tells of itself; ``interval`` in seconds."""
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
        due = {id(s): q for found in group for s in found[0].signals if (q := self._due(s, *found, tick))}
        distinct = {due[id(s)]: s for compiled, _ in group for s in compiled.signals if id(s) in due}
        found_all = await asyncio.gather(*(self._asking(self._ask, q, s) for q, s in distinct.items()))
        answers = dict(zip(distinct, found_all, strict=True))
        now = self._clock()
        for compiled, models in group:
            found = [(s, due[id(s)]) for s in compiled.signals if id(s) in due]
            reads = [Read(s, q, answers[q], tick, now, newest_end(s, tick)) for s, q in found]
            try:
                await self._judge_policy(compiled, models, reads, tick)
            except Exception:
                log.exception("policy not judged", namespace=compiled.namespace, policy=compiled.name)

    def _due(
        self, signal: CompiledSignal, compiled: CompiledPolicy, models: Sequence[Key], tick: float
    ) -> Question | None:
        """What to ask for a signal now, if anything; a whole window waits until all was read that was kept."""
        if not self._judging.find(signal.detector.chosen()[0]).whole_windows:
            return Question(signal.source, signal.query)
        return self.windows.due(signal, tick, len(models)) if self.ready(compiled, models) else None

    async def _ask(self, question: Question) -> Answer:
        found = self._sources.get(question.source)
        if found is None:
            have = ", ".join(self._sources) or "none"
            return failed(DataState.NO_SOURCE, f"no source {question.source!r} is set up; there is {have}")
        if question.sliding:
            return await found.query(question.query)
        if question.first == question.last:
            return await found.query(question.query, at=question.last)
        return await found.query_range(question.query, question.first, question.last, question.step)

    async def _judge_policy(
        self, compiled: CompiledPolicy, models: Sequence[Key], reads: Sequence[Read], tick: float
    ) -> None:
        if reads:
            self._note_source(compiled, [r.answer for r in reads])
            self._note_remarks(compiled, reads)
        asked = {read.signal.name for read in reads}
        late = (self._late.get((s.namespace, s.policy, s.name)) for s in compiled.signals if s.name not in asked)
        again = [read for read in late if read is not None]
        key_of = (compiled.namespace, compiled.name)
        for key in await self._judging.policy(key_of, [*reads, *again], models, tick, self._ask):
            self._wake(key)
        for read in (*reads, *again):
            if read.whole and read.current:
                self._keep_late(read, models)
        for read in reads:
            if read.whole and read.answer.state is DataState.OK:
                self.windows.answered(read.signal, read.question)
            elif read.whole:
                self.windows.failed(read.signal, read.question, read.answer.state)

    def forget(self, policy: Key) -> None:
        """The policy is gone."""
        self.source_states.pop(policy, None)
        self.remarks.pop(policy, None)
        for late in [k for k in self._late if k[:2] == policy]:
            del self._late[late]

    def _keep_late(self, read: Read, models: Sequence[Key]) -> None:
        """Where a window's release was not known yet, the same window is judged again at the next poll."""
        signal = read.signal
        key = (signal.namespace, signal.policy, signal.name)
        late = [m for m in models if (found := self._board.of(m).before(signal)) and found.unknown_releases]
        if late:
            self._late[key] = read.again(late)
        else:
            self._late.pop(key, None)

    def _note_remarks(self, compiled: CompiledPolicy, reads: Sequence[Read]) -> None:
        key, names = (compiled.namespace, compiled.name), {signal.name for signal in compiled.signals}
        old = self.remarks.get(key, {})
        new = {name: said for name, said in old.items() if name in names}
        for read in reads:
            samples = read.frames[-1].samples if read.answer.state is DataState.OK and read.current else None
            if samples is not None and samples.states.ok.any():  # else nothing can be remarked, and nothing is refuted
                new[read.signal.name] = "; ".join(sorted(samples.remarks))
        if new != old:
            self.remarks[key] = new
            self._wake_policy(key)

    def _note_source(self, compiled: CompiledPolicy, answers: Sequence[Answer]) -> None:
        key = (compiled.namespace, compiled.name)
        worst = max(answers, key=lambda a: (a.state.is_error, a.state is not DataState.OK))
        said = (worst.state, worst.message)
        if self.source_states.get(key) != said:
            self.source_states[key] = said
            self._wake_policy(key)
