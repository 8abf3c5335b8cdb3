"""Draws docs/images/demo.svg from a demo's output: `make demo | tee build/demo.log; python docs/images/demo.py build/demo.log`."""

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

TELLING = (
    "bad release",
    "rolled out",
    "breach visible",
    "incident opened",
    "evidence frozen",
    "pinned",
    "contained",
    "bad pods",
)
STYLES = {"breach visible": "yellow", "incident opened": "bold red", "pinned": "bold green", "contained": "bold green"}
EVERY = 4


def chosen(lines: list[str]) -> list[str]:
    """The telling lines, and every fourth of the accuracy lines between them."""
    kept, passed = [], 0
    for line in lines:
        if not line.startswith("  ") or not line.strip().startswith("+"):
            continue
        if any(word in line for word in TELLING):
            kept.append(line)
        elif " accuracy " in line:
            passed += 1
            if passed % EVERY == 1:
                kept.append(line)
    return kept


def main(log: str) -> None:
    """Write the picture beside this file."""
    console = Console(record=True, width=104, file=io.StringIO())
    for line in chosen(Path(log).read_text().splitlines()):
        style = next((s for word, s in STYLES.items() if word in line), "")
        console.print(Text(line[:104], style=style))
    console.save_svg(str(Path(__file__).with_suffix(".svg")), title="make demo", font_aspect_ratio=0.61)


if __name__ == "__main__":
    main(sys.argv[1])
