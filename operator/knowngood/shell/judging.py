"""A policy's answers to verdicts on its models: every signal is judged for all models at once.

What goes wrong with one model, or in one detector, is written down there and spoils nothing else.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from knowngood.api.durations import seconds
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.observed import Verdict
from knowngood.core.detectors.port import DetectorPort
from knowngood.core.detectors.registry import detector
from knowngood.core.facts.workload import Pod
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.judge import Asked, Outcome, Releases, judge_all
from knowngood.core.incidents.modelstatus import container_of
from knowngood.core.incidents.recording import known_good_of, previous_of, remembered, speaks_against, tenths
from knowngood.core.incidents.releases import learn, soaked, ties_of
from knowngood.core.signals.compiled import POD, model_matchers
from knowngood.shell.board import Board, ModelBoard
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.reads import Ask, Frame, Read
from knowngood.shell.store import Key, Store

log = structlog.get_logger()


@dataclass
class Subject:
    """One model while it is judged."""

    key: Key
    model: ModelDeployment
    board: ModelBoard
    pods: Mapping[str, Pod]
    container: str
    releases: Releases
    suspects: frozenset[str]
    changed: bool = False
    seen: dict[int, Outcome] = field(default_factory=dict)  # by the read, what the newest window showed


class Judging:
    """Judges, and notes what there is to learn."""

    def __init__(
        self,
        store: Store,
        policies: Policies,
        board: Board,
        lessons: Lessons,
        find: Callable[[str], DetectorPort] = detector,
    ) -> None:
        self._store, self._policies, self._board, self._lessons = store, policies, board, lessons
        self.find = find

    async def policy(self, reads: Sequence[Read], models: Iterable[Key], tick: float, ask: Ask) -> list[Key]:
        """Judge every read for every model; the models of which people would see a difference."""
        subjects = [found for key in models if (found := self._safely(self._subject, key, tick))]
        for read in reads:
            for frame in read.frames:
                wanted = [s for s in subjects if s.key in read.only] if read.only is not None else subjects
                await self._frame(read, frame, wanted, tick, ask)
                if len(read.frames) > 1:
                    await asyncio.sleep(0)  # a long way to catch up must not keep the lease waiting
        for subject in subjects:
            self._safely(self._conclude, subject.key, subject, reads, tick)
        return [subject.key for subject in subjects if subject.changed]

    def _safely(self, call: Callable[..., Any], key: Key, *more: Any) -> Any:
        """A model that breaks this is left out, and said."""
        try:
            return call(key, *more)
        except Exception:
            log.exception("model not judged", namespace=key[0], model=key[1])
            return None

    def _subject(self, key: Key, tick: float) -> Subject | None:
        model = self._store.model(key)
        if model is None or model.spec.suspend:
            self._board.drop(key)  # what was seen before must not open an incident when it is judged again
            return None
        board = self._board.of(key)
        if board.doubted_at is None:
            board.doubted_at = tick  # nobody watched before
        ref, history = model.spec.workload_ref, model.status.releases
        workload = self._store.workload(ref.kind.value, (key[0], ref.name))
        container = container_of(model, workload)
        pods = {p.name: p for p in self._store.pods(workload)}
        board.ties = {**ties_of(history), **board.ties}
        digests = {name: c.running.digest for name, p in pods.items() if p.live and (c := p.container(container))}
        running = frozenset(d for d in digests.values() if d)
        releases = Releases(
            board.ties, digests, running, known_good_of(model, container), previous_of(history, running)
        )
        suspects = frozenset(r.digest for r in history if r.implicated_in)
        return Subject(key, model, board, pods, container, releases, suspects)

    async def _frame(self, read: Read, frame: Frame, subjects: Sequence[Subject], tick: float, ask: Ask) -> None:
        found = self._judged(read, frame, subjects)
        late = []
        for number, (subject, outcome) in enumerate(zip(subjects, found, strict=True)):
            if outcome.judged.unknown_releases and read.current and await self._tie(read, subject, tick, ask):
                late.append(number)
        if late:
            again = self._judged(read, frame, [subjects[i] for i in late])
            for number, outcome in zip(late, again, strict=True):
                found[number] = outcome
        shown = read.current and frame is read.frames[-1]
        for subject, outcome in zip(subjects, found, strict=True):
            self._note(read, subject, outcome, tick, shown)

    def _judged(self, read: Read, frame: Frame, subjects: Sequence[Subject]) -> list[Outcome]:
        asked = [self._asked(read, frame, subject) for subject in subjects]
        return judge_all(read.signal, read.answer, asked, frame.span, self.find)

    def _asked(self, read: Read, frame: Frame, subject: Subject) -> Asked:
        signal = read.signal
        matchers = model_matchers(subject.model, signal.model_label)
        before = subject.board.before(signal)
        known = self._lessons.of(subject.key, signal).baselines if read.whole else {}
        return Asked(frame.of(matchers), matchers, subject.releases, before, known)

    def _note(self, read: Read, subject: Subject, outcome: Outcome, tick: float, shown: bool) -> None:
        signal = read.signal
        if outcome.failure and shown:
            where = {"namespace": subject.key[0], "model": subject.key[1], "signal": signal.name}
            log.error("detector failed", policy=signal.policy, error=outcome.failure, **where)
        if not shown:
            subject.board.remember(signal, outcome.judged)
            return
        subject.changed |= subject.board.record(signal, outcome.judged, moment(tick))
        if read.whole and outcome.seen:
            subject.seen[id(read)] = outcome

    def _conclude(self, key: Key, subject: Subject, reads: Sequence[Read], tick: float) -> None:
        """When all signals have been judged: whether the traffic was healthy, what it teaches, how long it has been."""
        board, model = subject.board, subject.model
        board.keep_only((s.policy, s.name) for s in self._policies.signals_of(key))
        doubts = any(speaks_against(view.judgement) for view in board.views.values())
        if doubts or self._store.open_incident(key) is not None:
            board.doubted_at = tick
        for read in reads:
            if id(read) in subject.seen:
                self._learn(subject, read, subject.seen[id(read)])
        if reads and _soak(board, subject.releases.running, reads[0].signal.interval, tick, model):
            subject.changed = True

    def _learn(self, subject: Subject, read: Read, outcome: Outcome) -> None:
        signal, span, running = read.signal, read.frames[-1].span, subject.releases.running
        lesson = self._lessons.of(subject.key, signal)
        before = lesson.progress(running)
        healthy = subject.board.doubted_at is not None and subject.board.doubted_at <= span.end - span.length
        seen = [s for s in outcome.seen if s.key[0] not in subject.suspects]
        whole = lesson.learn(seen, span.end, span.length, signal.needed, healthy)
        kept = remembered(subject.model.status.releases, running, subject.releases.known_good)
        if lesson.keep_only(kept, subject.suspects) or whole:
            self._lessons.changed.add(subject.key)
        if _told(before, signal.needed) != _told(lesson.progress(running), signal.needed):
            subject.changed = True

    async def _tie(self, read: Read, subject: Subject, tick: float, ask: Ask) -> bool:
        """Tie the unknown release labels to images, by the pods that export them; True where that told something."""
        owners, board = await read.owners(ask), subject.board
        label, matchers = read.signal.release_label, model_matchers(subject.model, read.signal.model_label)
        seen = [
            (row.labels[label], row.labels[POD])
            for row in owners.get(tuple(sorted(matchers.items())), ())
            if label in row.labels and POD in row.labels
        ]
        ties = learn(board.ties, seen, subject.pods, subject.container)
        if not board.ties and (board.tentative.get("ties") != ties or board.tentative.get("tick") == tick):
            # of a model without any history a late label may be the first to be seen: believe what two polls see
            board.tentative = {"ties": ties, "tick": tick}
            return False
        told = ties != board.ties
        board.ties = ties
        subject.releases = replace(subject.releases, ties=ties)
        return told


def _told(windows: int | None, needed: int) -> str:
    return "" if windows is None else tenths(windows, needed)


def _soak(board: ModelBoard, running: frozenset[str], interval: float, tick: float, model: ModelDeployment) -> bool:
    """Count a healthy interval for the one release that runs; True where its record has to move on."""
    for view in board.views.values():
        if view.judgement.verdict is Verdict.BREACH and view.judgement.digest:
            board.healthy_for[view.judgement.digest] = 0.0
    if len(running) != 1 or not board.healthy or board.lags_behind(running):
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
