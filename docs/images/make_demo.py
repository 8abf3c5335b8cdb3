"""Draws docs/images/demo.svg from the output of `make demo`, thinned to the lines that tell what happened.

make demo | tee build/demo.log
.venv/bin/python docs/images/make_demo.py build/demo.log
"""

import re
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

IMAGE = Path(__file__).resolve().parent / "demo.svg"
EVENT = re.compile(r"^ +\+(?P<at>[\d.]+)s  (?P<what>.{15}) (?P<text>.*)$")
ACCURACY = re.compile(r"^(?P<value>\d\.\d\d) ")
EVERY_SECONDS = 6.0
WIDTH = 96
GOOD, BAD = 0.9, 0.6


def telling(lines: list[str]) -> list[str]:
    """The story's events, an accuracy now and then, and what `kubectl get` says at the end."""
    kept: list[str] = []
    last, listing = -EVERY_SECONDS, False
    for line in lines:
        found = EVENT.match(line)
        if found and found["what"].strip() == "accuracy":
            at = float(found["at"])
            if at - last >= EVERY_SECONDS:
                kept.append(line)
                last = at
        elif found:
            kept.append(line)
        starts = line.startswith("$ kubectl ")
        listing = line.startswith("$ kubectl get ") if starts else listing
        if listing:
            kept += ["", line] if starts else [line] * bool(line)
    return kept


def styled(line: str) -> Text:
    """The line with its colours."""
    found = EVENT.match(line)
    if not found:
        return Text(line, style="bold" if line.startswith("$ ") else "")
    value = ACCURACY.match(found["text"])
    if not value:
        colour = "bold red" if "bad release" in found["what"] or "breach" in found["what"] else "bold cyan"
        return Text.assemble((line[: found.start("what")], "dim"), (found["what"], colour), " ", found["text"])
    number = float(value["value"])
    colour = "green" if number >= GOOD else "yellow" if number >= BAD else "red"
    return Text.assemble((line[: found.start("what")], "dim"), (found["what"], "dim"), " ", (found["text"], colour))


def draw(lines: list[str]) -> str:
    """The picture as SVG, without fonts from elsewhere."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor")
        for line in lines:
            console.print(styled(line), soft_wrap=True)
        local = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        return console.export_svg(title="make demo", code_format=local, unique_id="demo")


def main(arguments: list[str]) -> int:
    """Read the log that is named; returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("write: python docs/images/make_demo.py build/demo.log\n")
        return 2
    kept = telling(Path(arguments[0]).read_text().splitlines())
    if not any("contained" in line for line in kept):
        sys.stderr.write(f"{arguments[0]} holds no demo that ended with a containment\n")
        return 1
    IMAGE.write_text(draw(kept) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
