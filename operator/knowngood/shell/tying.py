"""Which image a release label's value stands for, told by the pods that export it."""

from knowngood.core.incidents.placing import Releases
from knowngood.core.incidents.releases import learn
from knowngood.core.signals.compiled import POD
from knowngood.shell.board import ModelBoard, Tentative
from knowngood.shell.reads import Ask, Read
from knowngood.shell.roster import Turn
from knowngood.shell.subjects import Subject


def releases_of(subject: Subject, board: ModelBoard) -> Releases:
    """What is known of the model's releases."""
    return Releases(board.ties, subject.digests, subject.running, subject.known_good, subject.previous)


async def tie(read: Read, turn: Turn, unknown: frozenset[str], tick: float, ask: Ask) -> bool:
    """Tie the ``unknown`` release labels to images, by the pods that export them; True where that told something."""
    board, subject = turn.board, turn.subject
    if board.tentative is not None and board.tentative.tick == tick and unknown <= board.tentative.ties.keys():
        return False  # another signal has asked at this poll
    owners = await read.owners(ask)
    label, matchers = read.signal.release_label, subject.matched_by(read.signal.model_label)
    seen = [
        (row.labels[label], row.labels[POD]) for row in owners.of(matchers) if label in row.labels and POD in row.labels
    ]
    ties = learn(board.ties, seen, subject.pods, subject.container)
    before = board.tentative
    if not board.ties and (before is None or before.ties != ties or before.tick == tick):
        # of a model without any history a late label may be the first to be seen: believe what two polls see
        board.tentative = Tentative(ties, tick)
        return False
    told = ties != board.ties
    if told:
        board.ties = turn.ties = ties
        turn.releases = releases_of(subject, board)
    return told
