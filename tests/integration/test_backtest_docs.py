"""The commands of the how-to, run: they say what the page says."""

import re
from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

from knowngood.cli.backtest.local import VARIABLE
from knowngood.cli.main import app
from tests.conformance.apiserver import binary
from tests.unit.docs.pages import DOCS, REPO, blocks

pytestmark = pytest.mark.integration
PICTURE = DOCS / "images" / "backtest.svg"
COMMANDS = [
    block
    for block in blocks((DOCS / "how-to" / "backtest-a-policy.md").read_text(), "console")
    if block.startswith("$ ")
]


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPO)
    monkeypatch.setenv(VARIABLE, str(binary("prometheus")))


def split(block: str) -> tuple[Sequence[str], str]:
    """The words of a block's command, and what it prints."""
    found = re.fullmatch(r"\$ knowngood ((?:[^\n]*\\\n)*[^\n]*)\n(.*)", block, re.DOTALL)
    assert found is not None
    return found[1].replace("\\\n", " ").split(), found[2]


@pytest.mark.parametrize("block", COMMANDS)
def test_it_prints_what_the_page_shows(block: str) -> None:
    words, shown = split(block)
    drawn = PICTURE.read_text()
    try:
        result = CliRunner().invoke(app, words)
        again = PICTURE.read_text()
    finally:
        PICTURE.write_text(drawn)
    assert result.exit_code in (0, 1), result.stderr
    assert result.stdout == shown
    assert again == drawn, "draw docs/images/backtest.svg again, by the command of the page"


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 4
