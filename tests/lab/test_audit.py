"""The end-to-end tests' view of the audit log, of which the API server begins a new file whenever one is full."""

import json
from pathlib import Path

import pytest

from tests.e2e.cluster import Audit

pytestmark = pytest.mark.unit


def written(name: str) -> str:
    event = {
        "stage": "ResponseComplete",
        "verb": "create",
        "user": {"username": "u"},
        "objectRef": {"name": name},
        "responseStatus": {"code": 201},
    }
    return json.dumps(event) + "\n"


def names(audit: Audit) -> list[str]:
    return [w["objectRef"]["name"] for w in audit.writes("u")]


def test_what_was_written_before_a_new_file_began_is_still_seen(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(written("before"))
    (tmp_path / "audit-2026-01-01T00-00-00.000.log").write_text(written("long ago"))
    audit = Audit(str(log))
    with log.open("a") as out:
        out.write(written("one"))
    assert names(audit) == ["one"]
    log.rename(tmp_path / "audit-2026-01-02T00-00-00.000.log")
    log.write_text(written("two"))
    assert names(audit) == ["one", "two"]
    late = Audit(str(log))
    assert names(late) == []
