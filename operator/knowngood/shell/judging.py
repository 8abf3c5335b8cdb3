"""A policy's answers to verdicts on its models: every signal is judged for all models at once.

What goes wrong with one model, or in one detector, is written down there and spoils nothing else.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.core.detectors.port import DetectorPort
from knowngood.core.detectors.registry import detector
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.judge import Asked, Outcome, Releases, judge_all
from knowngood.core.incidents.recording import speaks_against, tenths
from knowngood.core.incidents.releases import learn, soaked
from knowngood.core.signals.compiled import POD
from knowngood.shell.board import Board, ModelBoard
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.reads import Ask, Frame, Read
from knowngood.shell.store import Key, Store
from knowngood.shell.subjects import Subject, Subjects

log = structlog.get_logger()


@dataclass(slots=True)
class Turn:
    """One model while it is judged."""

    subject: Subject
    board: ModelBoard
    releases: Releases
    changed: bool = False
    seen: list[tuple[Read, Outcome]] = field(default_factory=list)  # what the newest whole windows showed


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
        self._subjects = Subjects(store)
        self.find = find

    def close(self) -> None:
        """Follow the store no more."""
        self._subjects.close()

    async def policy(self, reads: Sequence[Read], models: Iterable[Key], tick: float, ask: Ask) -> list[Key]:
        """Judge every read for every model; the models of which people would see a difference."""
        turns = [turn for key in models if (turn := self._safely(key, self._turn, tick))]
        for read in reads:
            wanted = turns if read.only is None else [t for t in turns if t.subject.key in read.only]
            for frame in read.frames:
                await self._frame(read, frame, wanted, tick, ask)
                if len(read.frames) > 1:
                    await asyncio.sleep(0)  # a long way to catch up must not keep the lease waiting
        interval = reads[0].signal.interval if reads else 0.0
        for turn in turns:
            self._safely(turn.subject.key, self._conclude, turn, interval, tick)
        return [turn.subject.key for turn in turns if turn.changed]

    def _safely(self, key: Key, call: Callable[..., Any], *more: Any) -> Any:
        """A model that breaks this is left out, and said."""
        try:
            return call(key, *more)
        except Exception:
            log.exception("model not judged", namespace=key[0], model=key[1])
            return None

    def _turn(self, key: Key, tick: float) -> Turn | None:
        subject = self._subjects.of(key)
        if subject is None:
            self._board.drop(key)  # what was seen before must not open an incident when it is judged again
            return None
        board = self._board.of(key)
        if board.doubted_at is None:
            board.doubted_at = tick  # nobody watched before
        if not subject.ties.items() <= board.ties.items():
            board.ties = {**subject.ties, **board.ties}
        return Turn(subject, board, _releases(subject, board))

    async def _frame(self, read: Read, frame: Frame, turns: Sequence[Turn], tick: float, ask: Ask) -> None:
        found = self._judged(read, frame, turns)
        late = []
        for number, outcome in enumerate(found):
            if outcome.judged.unknown_releases and read.current and await self._tie(read, turns[number], tick, ask):
                late.append(number)
        if late:
            again = self._judged(read, frame, [turns[i] for i in late])
            for number, outcome in zip(late, again, strict=True):
                found[number] = outcome
        shown = moment(tick) if read.current and frame is read.frames[-1] else None
        for turn, outcome in zip(turns, found, strict=True):
            self._note(read, turn, outcome, shown)

    def _judged(self, read: Read, frame: Frame, turns: Sequence[Turn]) -> list[Outcome]:
        asked = [self._asked(read, frame, turn) for turn in turns]
        return judge_all(read.signal, read.answer, asked, frame.span, self.find)

    def _asked(self, read: Read, frame: Frame, turn: Turn) -> Asked:
        signal, subject = read.signal, turn.subject
        matchers = subject.matched_by(signal.model_label)
        known = self._lessons.of(subject.key, signal).baselines if read.whole else {}
        return Asked(frame.of(matchers), matchers.labels, turn.releases, turn.board.before(signal), known)

    def _note(self, read: Read, turn: Turn, outcome: Outcome, shown: datetime | None) -> None:
        signal = read.signal
        if shown is None:
            turn.board.remember(signal, outcome.judged)
            return
        changed = turn.board.record(signal, outcome.judged, shown)
        if outcome.failure and changed:
            namespace, model = turn.subject.key
            where = {"namespace": namespace, "policy": signal.policy, "signal": signal.name, "model": model}
            log.error("detector failed", error=outcome.failure, **where)
        turn.changed |= changed
        if read.whole and outcome.seen:
            turn.seen.append((read, outcome))

    def _conclude(self, key: Key, turn: Turn, interval: float, tick: float) -> None:
        """When all signals have been judged: whether the traffic was healthy, what it teaches, how long it has been."""
        board = turn.board
        board.keep_only(self._policies.names_of(key))
        doubts = any(speaks_against(view.judgement) for view in board.views.values())
        if doubts or self._store.open_incident(key) is not None:
            board.doubted_at = tick
        for read, outcome in turn.seen:
            self._learn(turn, read, outcome)
        if interval and _soak(turn, interval, tick):
            turn.changed = True

    def _learn(self, turn: Turn, read: Read, outcome: Outcome) -> None:
        signal, span, subject = read.signal, read.frames[-1].span, turn.subject
        lesson = self._lessons.of(subject.key, signal)
        before = lesson.progress(subject.running)
        doubted = turn.board.doubted_at
        healthy = doubted is not None and doubted <= span.end - span.length
        seen = [s for s in outcome.seen if s.key[0] not in subject.suspects]
        whole = lesson.learn(seen, span.end, span.length, signal.needed, healthy)
        if lesson.keep_only(subject.remembered, subject.suspects) or whole:
            self._lessons.changed.add(subject.key)
        if _told(before, signal.needed) != _told(lesson.progress(subject.running), signal.needed):
            turn.changed = True

    async def _tie(self, read: Read, turn: Turn, tick: float, ask: Ask) -> bool:
        """Tie the unknown release labels to images, by the pods that export them; True where that told something."""
        owners, board, subject = await read.owners(ask), turn.board, turn.subject
        label, matchers = read.signal.release_label, subject.matched_by(read.signal.model_label)
        seen = [
            (row.labels[label], row.labels[POD])
            for row in owners.of(matchers)
            if label in row.labels and POD in row.labels
        ]
        ties = learn(board.ties, seen, subject.pods, subject.container)
        if not board.ties and (board.tentative.get("ties") != ties or board.tentative.get("tick") == tick):
            # of a model without any history a late label may be the first to be seen: believe what two polls see
            board.tentative = {"ties": ties, "tick": tick}
            return False
        told = ties != board.ties
        board.ties = ties
        turn.releases = _releases(subject, board)
        return told


def _releases(of: Subject, board: ModelBoard) -> Releases:
    return Releases(board.ties, of.digests, of.running, of.known_good, of.previous)


def _told(windows: int | None, needed: int) -> str:
    return "" if windows is None else tenths(windows, needed)


def _soak(turn: Turn, interval: float, tick: float) -> bool:
    """Count a healthy interval for the one release that runs; True where its record has to move on."""
    board, subject = turn.board, turn.subject
    running, soak = subject.running, subject.soak
    for view in board.views.values():
        if view.judgement.verdict is Verdict.BREACH and view.judgement.digest:
            board.healthy_for[view.judgement.digest] = 0.0
    if len(running) != 1 or not board.healthy or board.lags_behind(running):
        return False
    digest = next(iter(running))
    if digest not in board.healthy_for:
        noted = next((r.healthy_for for r in subject.model.status.releases if r.digest == digest), None)
        board.healthy_for[digest] = seconds(noted) if noted else 0.0
    before = board.healthy_for[digest]
    passed = min(interval, tick - board.counted_at)  # several policies may judge the model, each at its own pace
    board.counted_at = tick
    board.healthy_for[digest] = before + passed
    return soaked(before, soak) != soaked(before + passed, soak)
