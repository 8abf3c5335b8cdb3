"""The timeline as lines of text: one an event, one a reading; colour where there is a terminal."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.text import Text

from lab.demo import moments
from lab.demo.observer import Reading
from lab.demo.story import Event

BAR = 20
"""Characters of the accuracy bar."""

LABELS = {
    "release": ("bad release", "bold yellow"),
    "bad-answers": ("rolled out", "yellow"),
    "breach": ("breach visible", "bold red"),
    "opened": ("incident opened", "bold red"),
    "frozen": ("evidence frozen", "cyan"),
    "patched": ("pinned", "bold cyan"),
    "contained": ("contained", "bold green"),
    "bad-gone": ("bad pods gone", "green"),
    "restored": ("accuracy back", "bold green"),
}


def bar(share: float | None) -> str:
    """A bar of BAR characters, filled to `share` (0 to 1); dots when it is unknown."""
    if share is None:
        return "·" * BAR
    filled = round(min(max(share, 0.0), 1.0) * BAR)
    return "█" * filled + "░" * (BAR - filled)


def number(share: float | None) -> str:
    """`share` with two decimals; a dash when it is unknown."""
    return " –  " if share is None else f"{share:.2f}"


def answers(reading: Reading) -> str:
    """What callers met, such as `40/s, all 200 OK`."""
    met = "all 200 OK" if reading.failed == 0 else f"{reading.failed} FAILED"
    return f"{reading.rate:.0f}/s, {met}" if reading.rate >= 0.5 else "no requests"


def clock(start: datetime, at: datetime) -> str:
    """Seconds since `start`, such as ` +12.3s`."""
    return f"{moments.seconds(start, at):+7.1f}s"


def event_line(start: datetime, event: Event) -> Text:
    """The line of an event."""
    label, style = LABELS.get(event.kind, (event.kind, "bold"))
    return Text.assemble((clock(start, event.at), "dim"), "  ", (f"{label:<16}", style), event.text)


def reading_line(start: datetime, reading: Reading, releases: tuple[str, ...], min_samples: int) -> Text:
    """The line of a reading: callers' accuracy, each release's, what callers met."""
    if reading.error:
        return Text.assemble((clock(start, reading.at), "dim"), f"  accuracy        {reading.error}")
    callers = reading.callers_accuracy(min_samples)
    colour = "red" if callers is not None and callers < 0.9 else "green"
    each = "  ".join(f"{name} {number(reading.accuracy(name, min_samples))}" for name in releases)
    return Text.assemble(
        (clock(start, reading.at), "dim"),
        "  accuracy        ",
        (f"{number(callers)} {bar(callers)}", colour),
        f"  {each}  {answers(reading)}",
    )


class Timeline:
    """Prints the lines, seconds counted from the bad release."""

    def __init__(self, console: Console, start: datetime, releases: tuple[str, ...], min_samples: int) -> None:
        self._console = console
        self._start = start
        self._releases = releases
        self._min_samples = min_samples

    def heading(self) -> None:
        """Print what the columns of a reading are."""
        columns = "all callers, one window"
        self._print(Text(f"{'':10}  {'':16}{columns:<{BAR + 7}}each release      what callers met", "dim"))

    def event(self, event: Event) -> None:
        """Print one event."""
        self._print(event_line(self._start, event))

    def reading(self, reading: Reading) -> None:
        """Print one reading."""
        self._print(reading_line(self._start, reading, self._releases, self._min_samples))

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)
