"""The threat model names tests that exist, and every attack."""

import fnmatch
import re

from tests.conformance.admission.attacks.table import ATTACKS
from tests.unit.docs.pages import DOCS, REPO

PAGE = (DOCS / "threat-model.md").read_text()
NAMED = re.findall(r"`([a-z_]+)::([\w*-]+)`", PAGE)
TESTS = REPO / "tests" / "conformance" / "admission"
IDS = {attack.id for attack in ATTACKS}


def _defined(module: str, name: str) -> bool:
    return (
        re.search(rf"^ *def {re.escape(name)}\(", (TESTS / f"test_{module}.py").read_text(), re.MULTILINE) is not None
    )


def test_every_test_named_exists() -> None:
    assert len(NAMED) > 80
    missing = [
        f"{module}::{name}"
        for module, name in NAMED
        if not (_defined(module, name) or (module == "attacks" and fnmatch.filter(IDS, name)))
    ]
    assert missing == []


def test_every_attack_is_named() -> None:
    patterns = [name for module, name in NAMED if module == "attacks"]
    assert {each for each in IDS if not any(fnmatch.fnmatch(each, pattern) for pattern in patterns)} == set()


def test_there_are_enough_attacks() -> None:
    assert len(IDS) == len(ATTACKS) >= 15
