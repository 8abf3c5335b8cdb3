"""`kubectl describe` of an incident holds all of its evidence, some hundred lines; a terminal wants the rest of it."""

from __future__ import annotations

from itertools import groupby

_FOLDED, _DEPTH = "Evidence:", 2  # a cause of the analysis has evidence too, deeper


def fold_evidence(text: str) -> str:
    """`text` with the evidence replaced by a line that says how long it is."""
    lines: list[str] = []
    for inside, group in groupby(_marked(text.splitlines()), key=lambda pair: pair[0]):
        block = [line for _, line in group]
        if not inside:
            lines += block
            continue
        indent = block[0][: len(block[0]) - len(block[0].lstrip())]
        lines.append(f"{indent}({len(block)} lines: workload, pods, roll-outs, raw samples)")
    return "\n".join(lines)


def _marked(lines: list[str]) -> list[tuple[bool, str]]:
    """Each line with whether it belongs to the evidence: deeper than the heading above it."""
    depth = -1
    marked: list[tuple[bool, str]] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if depth >= 0 and indent <= depth:
            depth = -1
        marked.append((depth >= 0, line))
        if line.strip() == _FOLDED and indent == _DEPTH:
            depth = indent
    return marked
