"""A policy's answers to verdicts on its models: every signal is judged for all models at once.

What goes wrong with one model, or in one detector, is written down there and spoils nothing else.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import numpy as np
import structlog

from knowngood.core.detectors.port import DetectorPort, quiet_port
from knowngood.core.detectors.registry import detector
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.judge import Asked, Outcome, judge_all
from knowngood.core.incidents.recording import tenths
from knowngood.core.incidents.seating import Seating
from knowngood.core.signals.answer import DataState
from knowngood.shell.board import Board
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.reads import Ask, Frame, Read
from knowngood.shell.roster import Roster, Turn
from knowngood.shell.soaking import advance, watch
from knowngood.shell.store import Key, Store
from knowngood.shell.subjects import Subjects
from knowngood.shell.tying import releases_of, tie

log = structlog.get_logger()


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
        self._rosters: dict[Key, Roster] = {}  # by policy
        self._kept_at = -1
        self.find = find

    def close(self) -> None:
        """Follow the store no more."""
        self._subjects.close()

    async def policy(self, of: Key, reads: Sequence[Read], models: Sequence[Key], tick: float, ask: Ask) -> list[Key]:
        """Judge every read for every model of the policy ``of``; the models of which people would see a difference."""
        roster = self._roster(of)
        try:
            return await self._policy(of, roster, reads, models, tick, ask)
        except BaseException:
            del self._rosters[of]  # nobody knows how far it came: everybody is looked at again
            raise

    async def _policy(
        self, of: Key, roster: Roster, reads: Sequence[Read], models: Sequence[Key], tick: float, ask: Ask
    ) -> list[Key]:
        at = self._subjects.changes, self._policies.changes, self._board.changes
        touched = roster.refresh(models, at, lambda key, turn: self._look(key, turn, tick))
        for read in reads:
            for frame in read.frames:
                touched |= await self._frame(read, frame, roster, tick, ask)
                await asyncio.sleep(0)  # many models that are new, or a long way to catch up, keep no lease waiting
        self._doubt(of[0], roster, touched, tick)
        for turn in roster.of(touched):
            if not self._concluded(turn, tick):
                roster.unsettle(turn.number)
        changed = {turn.number for turn in roster.of(touched) if turn.changed}
        if reads:
            # nobody asks between two whole windows: the one that was read tells of all of that time
            told = max(read.signal.window if read.whole else read.signal.interval for read in reads)
            changed |= self._count(roster, told, tick)
        for turn in roster.of(touched):
            turn.changed, turn.seen = False, []
        return [turn.subject.key for turn in roster.of(changed)]

    def _roster(self, of: Key) -> Roster:
        if self._policies.changes != self._kept_at:
            self._kept_at = self._policies.changes
            for gone in [key for key in self._rosters if self._policies.compiled(key) is None]:
                del self._rosters[gone]
        return self._rosters.setdefault(of, Roster())

    def _look(self, key: Key, before: Turn | None, tick: float) -> Turn | None:
        """The model's turn; one that breaks this is left out, said, and tried again."""
        try:
            return self._turn(key, before, tick)
        except Exception:
            log.exception("model not judged", namespace=key[0], model=key[1])
            self._board.changes += 1
            return None

    def _concluded(self, turn: Turn, tick: float) -> bool:
        """Whether the model got through to the end; one that breaks this is said, and looked at again."""
        try:
            self._conclude(turn, tick)
        except Exception:
            log.exception("model not judged", namespace=turn.subject.key[0], model=turn.subject.key[1])
            return False
        return True

    def _turn(self, key: Key, before: Turn | None, tick: float) -> Turn | None:
        subject = self._subjects.of(key)
        if subject is None:
            self._board.drop(key)  # what was seen before must not open an incident when it is judged again
            return None
        board = self._board.of(key)
        gone = board.keep_only(self._policies.names_of(key))
        same = before is not None and before.subject is subject and before.board is board and before.ties is board.ties
        if same and not gone:
            return before
        if board.doubted_at is None:
            board.doubt(tick)  # nobody watched before
        if not subject.ties.items() <= board.ties.items():
            board.ties = {**subject.ties, **board.ties}
        return Turn(subject, board, releases_of(subject, board), board.ties)

    async def _frame(self, read: Read, frame: Frame, roster: Roster, tick: float, ask: Ask) -> set[int]:
        """Judge whom columns do not settle; who that was."""
        seating = self._seating(read, roster)
        turns = self._wanted(read, frame, roster, seating, tick)
        found = self._judged(read, frame, turns)
        late = []
        for number, outcome in enumerate(found):
            unknown = outcome.judged.unknown_releases
            if unknown and read.current and await tie(read, turns[number], unknown, tick, ask):
                late.append(number)
                roster.unsettle(turns[number].number)
                self._board.changes += 1
        if late:
            again = self._judged(read, frame, [turns[i] for i in late])
            for number, outcome in zip(late, again, strict=True):
                found[number] = outcome
        shown = moment(tick) if read.current and frame is read.frames[-1] else None
        for turn, outcome in zip(turns, found, strict=True):
            self._note(read, turn, outcome, shown)
            if seating is not None:
                rows = frame.rows(turn.subject.matched_by(read.signal.model_label))
                if seating.settle(turn.number, outcome, frame.samples.groups, rows, turn.releases):
                    turn.board.settle(read.signal, seating, turn.number)
        return {turn.number for turn in turns}

    def _seating(self, read: Read, roster: Roster) -> Seating | None:
        """Who is settled, where a detector of the sliding window can tell so."""
        if read.whole or quiet_port(self.find(read.signal.detector.chosen()[0])) is None:
            return None
        return roster.seating(read.signal)

    def _wanted(self, read: Read, frame: Frame, roster: Roster, seating: Seating | None, tick: float) -> list[Turn]:
        """The models to look at."""
        if read.only is not None:
            return [turn for turn in roster.of(roster.numbers.tolist()) if turn.subject.key in read.only]
        if seating is None:
            return roster.of(roster.numbers.tolist())
        name, settings = read.signal.detector.chosen()
        port = quiet_port(self.find(name))
        try:
            if read.answer.state is not DataState.OK:
                seating.fail(read.answer.state, read.answer.message)
            elif port is not None:
                quiet = partial(port.quiet, settings)
                seating.follow(frame.samples, quiet, roster.whose(read.signal.model_label), tick)
        except Exception:
            log.exception("not judged in columns", policy=read.signal.policy, signal=read.signal.name)
            seating.clear()
        return roster.of(roster.numbers[~seating.settled[roster.numbers]].tolist())

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

    def _conclude(self, turn: Turn, tick: float) -> None:
        """When all signals have been judged: whether the traffic was healthy, what it teaches, whether it counts."""
        columns, board = self._board.columns, turn.board
        columns.sound[board.row] = False
        columns.against[board.row] = doubtful = board.doubtful
        if doubtful or self._store.open_incident(turn.subject.key) is not None:
            board.doubt(tick)
        for read, outcome in turn.seen:
            self._learn(turn, read, outcome)
        watch(columns, board, turn.subject)

    def _doubt(self, namespace: str, roster: Roster, touched: set[int], tick: float) -> None:
        """Whom something speaks against as it did before, or an open incident."""
        columns, same = self._board.columns, np.ones(len(roster.turns), np.bool_)
        same[list(touched)] = False
        rows = roster.rows[same[roster.numbers]]
        columns.doubted_at[rows[columns.against[rows]]] = tick
        for key in self._store.troubled(namespace):
            number = roster.number(key)
            for turn in roster.of([] if number is None else [number]):
                turn.board.doubt(tick)

    def _count(self, roster: Roster, told: float, tick: float) -> set[int]:
        """Count the ``told`` seconds as healthy for whom it is one; of whom the record has to move on."""
        sound = self._board.columns.sound[roster.rows]
        moved = advance(self._board.columns, roster.rows[sound], told, tick)
        return set(roster.numbers[sound][moved].tolist())

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


def _told(windows: int | None, needed: int) -> str:
    return "" if windows is None else tenths(windows, needed)
