"""A backtest's answer for people: tables, coloured on a terminal, plain elsewhere."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from knowngood.api.observed import Verdict
from knowngood.cli.backtest.answer import Answer, Sweep
from knowngood.cli.backtest.words import long, many, share, when
from knowngood.core.backtest.ledger import Track
from knowngood.core.backtest.openings import Opening
from knowngood.core.backtest.score import Found, Outcome
from knowngood.shell.replay.run import Progress as Told

_WIDE = 10_000  # columns: a line is a line, and what is too long for a terminal is not cut
MOST_SIGNALS, _MOST_WORDS = 50, 3  # that are shown
_COLOURS = {Outcome.FOUND: "green", Outcome.MISSED: "red", Outcome.ALREADY_OPEN: "yellow"}


@contextlib.contextmanager
def progress(to: TextIO) -> Iterator[Told]:
    """A bar on a terminal, nothing elsewhere."""
    if not to.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("replaying"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=to), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda done: bar.update(task, completed=done)


def show(answer: Answer, to: TextIO) -> None:
    """Write the answer to ``to``."""
    console = Console(file=to, highlight=False, width=_WIDE, soft_wrap=True)
    with console.capture() as captured:
        for part in _parts(answer):
            console.print(part)
    to.write("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")


def _parts(answer: Answer) -> Iterator[Table | Text]:
    yield Text(f"{answer.namespace}/{answer.policy} on {answer.source}", style="bold")
    length, each = long(answer.last - answer.first), long(answer.interval)
    models = many(len(answer.since), "model")
    yield Text(
        f"{when(answer.first)} to {when(answer.last)} ({length}): {models}, {answer.polls:,} polls, every {each}"
    )
    yield Text()
    yield _signals(answer)
    if (more := len(answer.ledger.tracks) - MOST_SIGNALS) > 0:
        yield Text(f"and {more} more, which were in breach for less long: -o json shows all")
    yield Text()
    if answer.openings:
        yield _openings(answer)
        yield Text()
    if answer.labelled:
        yield _incidents(answer.score.found)
        yield Text()
    if answer.sweep:
        yield _sweep(answer.sweep, answer)
        yield Text()
    for note in answer.notes:
        yield Text(f"note: {note}", style="yellow")
    yield Text(_sentence(answer), style="bold")
    met = "as expected" if answer.met else "not as expected"
    yield Text(f"{met}: {_EXPECTED.get(answer.expected, answer.expected)}", style="green" if answer.met else "red")


_EXPECTED = {
    "none": "nothing was to open",
    "incidents": "the known incidents were to be found, and nothing else",
    "any": "whatever opens",
}


def _table(*heads: str) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        made.add_column(head, no_wrap=True)
    return made


def _signals(answer: Answer) -> Table:
    table = _table("MODEL", "SIGNAL", "DETECTOR", "ARMED", "HEALTHY", "BREACH", "OTHERWISE")
    for model, signal, track in _worst(answer):
        armed = Text("never", style="red") if track.armed is None else when(track.armed)
        whole = sum(track.words.values())
        healthy, breach = (share(track.words.get(v.value, 0.0), whole) for v in (Verdict.HEALTHY, Verdict.BREACH))
        table.add_row(model, signal, track.detector, armed, healthy, breach, _otherwise(track, whole))
    return table


def _worst(answer: Answer) -> Sequence[tuple[str, str, Track]]:
    """Of many, those that were longest in breach."""
    found = list(answer.ledger.words())
    if len(found) <= MOST_SIGNALS:
        return found
    return sorted(found, key=lambda t: -t[2].words.get(Verdict.BREACH, 0.0))[:MOST_SIGNALS]


def _otherwise(track: Track, whole: float) -> str:
    rest = {w: s for w, s in track.words.items() if w not in (Verdict.HEALTHY, Verdict.BREACH)}
    ordered = sorted(rest, key=lambda w: -rest[w])
    return ", ".join(f"{word} {share(rest[word], whole)}" for word in ordered[:_MOST_WORDS]) + (
        f" and {len(ordered) - _MOST_WORDS} more" if len(ordered) > _MOST_WORDS else ""
    )


def _openings(answer: Answer) -> Table:
    heads = ["OPENED", "LENGTH", "MODEL", "RELEASE", "TYPE", "SEVERITY", "SIGNAL", "WHAT"]
    table = _table(*heads, *(["FALSE ALARM"] if answer.labelled else []))
    false = {id(o) for o in answer.score.false_alarms}
    for opening in answer.openings:
        cells = [when(opening.at), _length(opening, answer), opening.model, opening.release or "-", opening.type]
        cells += [opening.severity, opening.signal, _what(opening)]
        if answer.labelled:
            cells.append("yes" if id(opening) in false else "no")
        table.add_row(*cells, style="red" if id(opening) in false or not answer.labelled else "")
    return table


def _length(opening: Opening, answer: Answer) -> str:
    return f"{long(answer.last - opening.at)}, open" if opening.end is None else long(opening.end - opening.at)


def _what(opening: Opening) -> str:
    if not opening.fired:
        return ""
    first = opening.fired[0]
    segment = ", ".join(f"{k}={v}" for k, v in sorted(first.segment.items()))
    said = f"{first.value or 'no value'}: {first.threshold or first.reason}" + (f" ({segment})" if segment else "")
    joined = [f"{f.signal} after {long(max(0.0, f.at - opening.at))}" for f in opening.fired[1:]]
    return said + (f"; joined by {', '.join(joined)}" if joined else "")


def _incidents(found: Sequence[Found]) -> Table:
    table = _table("INCIDENT", "END", "MODEL", "OUTCOME", "DELAY")
    for one in found:
        known = one.known
        end = "-" if known.end is None else when(known.end)
        outcome = Text(one.outcome.value, style=_COLOURS[one.outcome])
        table.add_row(when(known.start), end, known.model or "any", outcome, _delay(one.delay))
    return table


def _delay(seconds: float | None) -> str:
    return "-" if seconds is None else long(seconds)


def _sweep(sweep: Sweep, answer: Answer) -> Table:
    heads = ["OPENED", *(["FALSE ALARMS", "FOUND", "MISSED", "ALREADY OPEN", "MEAN DELAY"] if answer.labelled else [])]
    table = _table(f"{', '.join(sweep.signals)}: {sweep.field}", *heads)
    for turned in sweep.values:
        score = turned.score
        cells = [f"{turned.value}{' (as written)' if turned.written else ''}", len(turned.openings)]
        if answer.labelled:
            counts = [score.count(o) for o in (Outcome.FOUND, Outcome.MISSED, Outcome.ALREADY_OPEN)]
            cells += [len(score.false_alarms), *counts, _delay(score.mean_delay)]
        table.add_row(*map(str, cells), style="bold" if turned.written else "")
    return table


def _sentence(answer: Answer) -> str:
    told = "nothing would have opened"
    if answer.openings:
        incidents = many(len(answer.openings), "incident")
        told = f"{incidents} would have opened in {long(answer.watched)} of {many(len(answer.since), 'model')}"
    if not answer.labelled:
        return told
    score = answer.score
    return f"{told}: {', '.join(_scored(answer))}, {many(len(score.false_alarms), 'false alarm')}"


def _scored(answer: Answer) -> Iterable[str]:
    score = answer.score
    delay = f" after {long(score.mean_delay)} on average" if score.mean_delay is not None else ""
    yield f"{score.count(Outcome.FOUND)} of {many(len(score.found), 'known incident')} found{delay}"
    if missed := score.count(Outcome.MISSED):
        yield f"{missed} missed"
    if before := score.count(Outcome.ALREADY_OPEN):
        yield f"{before} while an earlier one was open"
