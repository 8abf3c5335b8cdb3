"""The files of a build context, as .dockerignore leaves them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path


def _expression(pattern: str) -> re.Pattern[str]:
    """A .dockerignore pattern as a regular expression; it also covers what is below a match."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    words = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/"))
    return re.compile("".join(parts.get(word, re.escape(word)) for word in words) + "(?:/.*)?")


def rules(text: str) -> list[tuple[bool, re.Pattern[str]]]:
    """Each rule of a .dockerignore in order: whether it ignores, and what."""
    lines = [line.strip() for line in text.splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    return [(not line.startswith("!"), _expression(line.removeprefix("!"))) for line in wanted]


def ignored(path: str, order: list[tuple[bool, re.Pattern[str]]]) -> bool:
    """Whether a path, relative to the context, is left out: the last rule that matches says so."""
    verdict = False
    for ignores, expression in order:
        if expression.fullmatch(path):
            verdict = ignores
    return verdict


def files(context: Path) -> Iterator[Path]:
    """The files that go into a build, sorted; compiled Python never does."""
    own = context / ".dockerignore"
    order = rules(own.read_text() if own.exists() else "") + rules("**/__pycache__\n**/*.pyc\n.git")
    kept_again = any(not ignores for ignores, _ in order)
    for place, directories, names in os.walk(context):
        here = Path(place).relative_to(context)
        # What a later "!" may bring back is looked into, but only below the top a name of it has.
        directories[:] = sorted(
            name
            for name in directories
            if not ignored(str(here / name), order) or (kept_again and _may_hold_kept(here / name, own))
        )
        for name in sorted(names):
            if not ignored(str(here / name), order):
                yield context / here / name


def _may_hold_kept(directory: Path, ignore_file: Path) -> bool:
    """Whether some "!" rule names a path below an ignored directory."""
    lines = [line.strip() for line in ignore_file.read_text().splitlines()] if ignore_file.exists() else []
    kept = [line.removeprefix("!").strip("/") for line in lines if line.startswith("!")]
    return any(one.startswith(f"{directory}/") for one in kept)
