"""The reference of `knowngood backtest` holds every option and field; its examples are what their script writes."""

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from knowngood.cli.backtest import machine, values
from knowngood.cli.backtest.answer import Answer, Sweep, Turned
from knowngood.cli.backtest.command import backtest
from knowngood.core.backtest.ledger import Ledger
from knowngood.core.backtest.openings import Fired, Opening
from knowngood.core.backtest.score import Known, score
from tests.unit.docs.pages import DOCS

PAGE = (DOCS / "reference" / "backtest.md").read_text()
EXAMPLES = DOCS / "examples" / "backtest"


@pytest.mark.parametrize("name", [n for n in inspect.signature(backtest).parameters if n != "policy"])
def test_options_are_documented(name: str) -> None:
    assert re.search(rf"^\| `--{name.replace('_', '-')}[ `]", PAGE, re.MULTILINE)


def answer() -> Answer:
    """One with everything in it."""
    opening = Opening("digits", "ModelFailure", "High", 60.0, None, "2", (Fired("a", 60.0, "Burst", "1", ""),))
    found = score([opening], [Known(0.0)])
    sweep = Sweep("for", ["a"], [Turned("1m", True, [opening], found)])
    ledger = Ledger(0.0, 600.0, 15.0)
    return Answer(
        "p", "n", "s", 0.0, 600.0, 15.0, 41, {"digits": 0.0}, [opening], found, ledger, sweep, "any", ["a note"]
    )


def keys(content: Any) -> set[str]:
    """Every name in JSON data."""
    if isinstance(content, dict):
        return set(content) | {key for value in content.values() for key in keys(value)}
    return {key for item in content for key in keys(item)} if isinstance(content, list) else set()


def test_fields_are_documented() -> None:
    here = PAGE[PAGE.index("## JSON") :]
    assert {key for key in keys(machine.content(answer())) if f"`{key}`" not in here} == set()


@pytest.mark.parametrize("column", values._OWN)
def test_columns_are_documented(column: str) -> None:
    assert f"`{column}`" in PAGE


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    spec = importlib.util.spec_from_file_location("make_history", EXAMPLES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HERE", tmp_path)
    found = list(module.scrapes())
    module.write_history(found)
    module.write_values(found)
    return tmp_path


@pytest.mark.parametrize("name", ["history.csv", "values.csv"])
def test_examples_are_what_their_script_writes(made: Path, name: str) -> None:
    assert (made / name).read_text() == (EXAMPLES / name).read_text(), "run docs/examples/backtest/make.py"
