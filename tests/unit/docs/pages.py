"""The documentation as the tests read it."""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
DOCS = REPO / "docs"
PAGES = sorted([REPO / "README.md", REPO / "CHANGELOG.md", REPO / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def name(page: Path) -> str:
    """The page's path within the repository."""
    return str(page.relative_to(REPO))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of `text` in that language."""
    return [body for found, body in FENCE.findall(text) if found == language]


def anchors(text: str) -> set[str]:
    """The anchors of `text`'s headings, as GitHub makes them."""
    heads = re.findall(r"^#+ +(.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}
