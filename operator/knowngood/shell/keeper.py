"""Keeps what was learned and what detectors remember in the cluster, and takes it up again.

A policy's state is written at most every five minutes, and only where it changed; a model's baselines when one became
whole. What came after the last write is asked of Prometheus again.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import DetectorPort
from knowngood.core.detectors.registry import detector
from knowngood.core.incidents.judge import Judged
from knowngood.core.incidents.policystatus import Said
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
from knowngood.core.signals.compiled import CompiledPolicy, CompiledSignal
from knowngood.shell import cluster as c
from knowngood.shell.board import Board
from knowngood.shell.configmaps import ConfigMaps, ForeignError, Owner
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.store import Key, Store
from knowngood.shell.windows import Windows

log = structlog.get_logger()
EVERY_SECONDS = 300.0
_ROUND_SECONDS = 15.0
_AT_ONCE = 16
_PARTING_SECONDS = 2.0
_RETRY_SECONDS = 1.0
_NEVER = (-math.inf, "")
_KEPT: Said = (ConditionStatus.TRUE, Reason.KEPT.value, "what detectors remember outlives the operator")


class Keeper:
    """Reads once, before the first whole window is judged; then writes."""

    def __init__(
        self,
        api: c.Cluster,
        store: Store,
        policies: Policies,
        board: Board,
        lessons: Lessons,
        windows: Windows,
        told: Callable[[Key], None],
        find: Callable[[str], DetectorPort] = detector,
    ) -> None:
        self._store, self._policies, self._board = store, policies, board
        self._lessons, self._windows, self._told, self._find = lessons, windows, told, find
        self._maps = ConfigMaps(api)
        self._loaded: dict[Key, Sequence[Key]] = {}  # by policy, the models whose baselines were read
        self._read: set[Key] = set()  # models
        self._loading: dict[Key, asyncio.Task[None]] = {}
        self._written: dict[Key, tuple[float, str]] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._problems: dict[Key, dict[str, tuple[Reason, str]]] = {}  # by policy, by ConfigMap

    def ready(self, compiled: CompiledPolicy, models: Sequence[Key]) -> bool:
        """Whether all was read that there is of this policy and its models; begins to where not."""
        key = (compiled.namespace, compiled.name)
        known = self._loaded.get(key)
        if known is models or (known is not None and (self._read.issuperset(models) or not self._learns(compiled))):
            self._loaded[key] = models
            return True
        if key not in self._loading or self._loading[key].done():
            self._loading[key] = asyncio.create_task(self.load(compiled, models))
        return False

    def forget(self, model: Key) -> None:
        """The model is gone, and one of its name is another."""
        self._read.discard(model)

    def said(self, key: Key) -> Said | None:
        """What the policy's condition says; None where its signals remember nothing."""
        found = self._policies.compiled(key)
        if found is None or not any(self._whole(s) for s in found[0].signals):
            return None
        problems = self._problems.get(key)
        if not problems:
            return _KEPT
        reason, message = next(iter(problems.values()))
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        return ConditionStatus.FALSE, reason.value, message + more

    async def run(self) -> None:
        """Write until cancelled, and then once more what is not written yet."""
        try:
            while True:
                await asyncio.sleep(_ROUND_SECONDS)
                await self.write(time.monotonic() - EVERY_SECONDS)
        finally:
            for task in self._loading.values():
                task.cancel()
            try:
                async with asyncio.timeout(_PARTING_SECONDS):
                    await self.write(time.monotonic())
            except TimeoutError:
                log.warning("not all state was written; its windows will be asked for again")

    async def write(self, before: float) -> None:
        """Write the baselines that changed, and the state of policies last written ``before`` (monotonic seconds)."""
        changed, self._lessons.changed = self._lessons.changed, set()
        await asyncio.gather(*(self._safely(self._write_baselines(key), key) for key in sorted(changed)))
        for key in list(self._loaded):
            if self._written.get(key, _NEVER)[0] <= before:
                await self._safely(self._write_state(key), key)

    async def _safely(self, writing: Awaitable[None], key: Key) -> None:
        """What cannot be written of one object keeps nobody else's from it."""
        try:
            await writing
        except Exception:
            log.exception("state not written", namespace=key[0], name=key[1])

    def _whole(self, signal: CompiledSignal) -> bool:
        return self._find(signal.detector.chosen()[0]).whole_windows

    def _learns(self, compiled: CompiledPolicy) -> bool:
        return any(self._find(s.detector.chosen()[0]).learns for s in compiled.signals)

    def _remembers(self, signal: CompiledSignal) -> bool:
        return self._find(signal.detector.chosen()[0]).memory is not None

    async def load(self, compiled: CompiledPolicy, models: Sequence[Key]) -> None:
        """Read what is kept of a policy and its models; what cannot be read now is read at a later poll."""
        key = (compiled.namespace, compiled.name)
        reads: list[Awaitable[None]] = [] if key in self._loaded else [self._load_state(compiled)]
        if self._learns(compiled):
            reads += [self._load_baselines(key, m) for m in models if m not in self._read]
        found = await asyncio.gather(*reads, return_exceptions=True)
        failures = [error for error in found if isinstance(error, BaseException)]
        if not failures:
            self._loaded[key] = models
            return
        unexpected = next((error for error in failures if not isinstance(error, c.ApiError)), None)
        what = {"namespace": key[0], "policy": key[1], "objects": len(failures)}
        log.warning("state not read yet", **what, error=str(unexpected or failures[0]), exc_info=unexpected)
        await asyncio.sleep(_RETRY_SECONDS)

    async def _load_state(self, compiled: CompiledPolicy) -> None:
        key = (compiled.namespace, compiled.name)
        name, owner = kept_name("state", compiled.name), self._owner(c.POLICIES, key)
        text = await self._text(key, name, owner)
        if not text:
            return
        memories = {s.name: self._find(s.detector.chosen()[0]).memory for s in compiled.signals if self._whole(s)}

        def take() -> None:
            state = read_state(text, memories)
            for signal in compiled.signals:
                if signal.name in state:
                    self._restore(signal, state[signal.name])

        if self._taken_up(key, name, take):
            self._written[key] = (time.monotonic(), text)

    def _taken_up(self, policy: Key, name: str, take: Callable[[], None]) -> bool:
        """Whether what was kept could be taken up; else it is left out and said, since it will be the same again."""
        try:
            take()
            return True
        except UnreadableError as error:
            why = str(error)
        except Exception as error:  # it can be read, and yet it is nothing that was written
            log.exception("state not understood", namespace=policy[0], policy=policy[1], name=name)
            why = type(error).__name__
        self._problem(policy, name, Reason.UNREADABLE, f"ConfigMap {name} could not be read and is left out: {why}")
        return False

    def _restore(self, signal: CompiledSignal, kept: KeptSignal) -> None:
        if kept.measured == signal.measured:
            for model, learners in kept.learners.items():
                self._lessons.of((signal.namespace, model), signal).restore(learners, signal.needed)
        if kept.judged_by != signal.judged_by or kept.end is None or not self._remembers(signal):
            return  # without a memory, nothing is to be made up for
        self._windows.restore(signal, kept.end)
        waiting = Judgement(verdict=Verdict.INCONCLUSIVE, reason=Reason.NOT_JUDGED)
        for model in {*kept.memories, *kept.since}:
            board = self._board.of((signal.namespace, model))
            if board.before(signal) is None:
                memories = kept.memories.get(model, {})
                board.remember(signal, Judged(waiting, memories, kept.since.get(model)))

    async def _load_baselines(self, policy: Key, model: Key) -> None:
        if model in self._read or (owner := self._owner(c.MODELS, model)) is None:
            return
        name = kept_name("baseline", model[1])
        async with self._gate:
            text = await self._text(policy, name, owner)
        if text and not self._taken_up(policy, name, lambda: self._lessons.restore(model, read_baselines(text))):
            self._lessons.restore(model, {})
        self._read.add(model)

    async def _text(self, policy: Key, name: str, owner: Owner | None) -> str | None:
        """The text that was kept. Raises ApiError where that may be known later."""
        if owner is None:
            return None
        try:
            return await self._maps.read(name, owner)
        except ForeignError as error:
            self._problem(policy, name, Reason.UNREADABLE, str(error))
        except c.ApiError as error:
            if error.status != 403:
                raise
            self._problem(policy, name, Reason.UNREADABLE, f"ConfigMap {name} may not be read: {error.message}")
        return None

    async def _write_baselines(self, model: Key) -> None:
        owner = self._owner(c.MODELS, model)
        if owner is None or model not in self._read:
            return
        policies = {p.metadata.name: p for p in self._store.policies(model[0])}
        wanted = {(name, s.name) for name, policy in policies.items() for s in policy.spec.signals}
        text, left_out = baselines_text(self._lessons.baselines(model, wanted))
        name = kept_name("baseline", model[1])
        async with self._gate:
            done = await self._write(list(self._policies.policies_of(model)), name, owner, text, left_out, "signals")
        if not done:
            self._lessons.changed.add(model)

    async def _write_state(self, key: Key) -> None:
        found, owner = self._policies.compiled(key), self._owner(c.POLICIES, key)
        if found is None or owner is None:
            self._loaded.pop(key, None)
            return
        state = self._state(*found)
        if not any(kept.memories or kept.learners for kept in state.values()):
            return
        text, left_out = await asyncio.to_thread(state_text, state)
        if self._written.get(key, _NEVER)[1] != text and not await self._write(
            [key], kept_name("state", key[1]), owner, text, left_out, "models"
        ):
            text = ""  # nobody has it yet
        self._written[key] = (time.monotonic(), text)

    def _state(self, compiled: CompiledPolicy, models: Sequence[Key]) -> dict[str, KeptSignal]:
        """What the policy's signals of whole windows remember now."""
        return {s.name: self._kept(s, models) for s in compiled.signals if self._whole(s)}

    def _kept(self, signal: CompiledSignal, models: Sequence[Key]) -> KeptSignal:
        judged = {m: j for m in models if (j := self._board.of(m).before(signal)) is not None}
        return KeptSignal(
            judged_by=signal.judged_by,
            measured=signal.measured,
            end=self._windows.end(signal),
            since={m[1]: j.no_data_since for m, j in judged.items() if j.no_data_since is not None},
            memories={m[1]: j.memories for m, j in judged.items() if j.memories},
            learners={m[1]: going for m in models if (going := self._lessons.of(m, signal).unfinished())},
        )

    async def _write(self, policies: Sequence[Key], name: str, owner: Owner, text: str, left_out: int, of: str) -> bool:
        problem: tuple[Reason, str] | None = None
        try:
            await self._maps.write(name, owner, text)
            if left_out:
                size = f"{MOST_BYTES >> 10} KiB"
                problem = Reason.TOO_LARGE, f"ConfigMap {name} has no room for {left_out} {of} beyond {size}"
        except ForeignError as error:
            problem = Reason.UNREADABLE, str(error)
        except c.ApiError as error:
            problem = Reason.NOT_WRITTEN, f"ConfigMap {name} was not written: {error.message}"
        for key in policies:
            if problem:
                self._problem(key, name, *problem)
            else:
                self._solved(key, name)
        return problem is None or problem[0] is Reason.TOO_LARGE

    def _problem(self, policy: Key, name: str, reason: Reason, message: str) -> None:
        problems = self._problems.setdefault(policy, {})
        if problems.get(name) != (reason, message):
            log.warning("state not kept", namespace=policy[0], policy=policy[1], reason=reason.value, error=message)
            problems[name] = (reason, message)
            self._told(policy)

    def _solved(self, policy: Key, name: str) -> None:
        if self._problems.get(policy, {}).pop(name, None) is not None:
            self._told(policy)

    def _owner(self, resource: c.Resource, key: Key) -> Owner | None:
        entry = self._store.entry(resource.kind, key)
        return Owner(resource, *key, entry.uid) if entry else None
