"""`kubectl describe` of an incident holds every raw sample of its evidence; people want the rest of it."""

from __future__ import annotations

from itertools import groupby

_POINTS = "Points:"


def fold_points(text: str) -> str:
    """`text` with each list of raw samples replaced by a line that says how many there are."""
    lines: list[str] = []
    for inside, group in groupby(_marked(text.splitlines()), key=lambda pair: pair[0]):
        block = [line for _, line in group]
        if not inside:
            lines += block
            continue
        indent = block[0][: len(block[0]) - len(block[0].lstrip())]
        count = sum(line.lstrip().startswith("T:") for line in block)
        lines.append(f"{indent}({count} raw samples, in full with kubectl describe)")
    return "\n".join(lines)


def _marked(lines: list[str]) -> list[tuple[bool, str]]:
    """Each line with whether it belongs to a list of samples: deeper than the `Points:` above it."""
    depth = -1
    marked: list[tuple[bool, str]] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if depth >= 0 and indent <= depth:
            depth = -1
        marked.append((depth >= 0, line))
        if line.strip() == _POINTS:
            depth = indent
    return marked
