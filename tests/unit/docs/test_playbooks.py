"""Every shipped playbook has a page of its own, which says what its manifest does."""

from pathlib import Path

import pytest
import yaml

from tests.unit.docs.pages import DOCS, REPO

MANIFESTS = sorted(p for p in (REPO / "manifests" / "playbooks").glob("*.yaml") if p.stem != "kustomization")
HEADINGS = ("What it does", "What you see", "What it cannot fix", "What you do next", "What it may be a case of")


def test_pages_and_manifests_are_the_same() -> None:
    assert {p.stem for p in MANIFESTS} == {p.stem for p in (DOCS / "playbooks").glob("*.md")} - {"index"}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda p: p.stem)
def test_the_page_names_every_step(manifest: Path) -> None:
    page, spec = (DOCS / "playbooks" / f"{manifest.stem}.md").read_text(), yaml.safe_load(manifest.read_text())["spec"]
    assert f"({Path('..', '..', *manifest.relative_to(REPO).parts)})" in page
    for step in [*spec["contain"], *spec.get("escalate", {}).get("steps", [])]:
        assert f"`{step['name']}`" in page
        assert f"actions.md#{step['action'].lower()})" in page


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda p: p.stem)
def test_the_page_says_what_is_left_to_people(manifest: Path) -> None:
    lines = (DOCS / "playbooks" / f"{manifest.stem}.md").read_text().splitlines()
    assert [h for h in HEADINGS if f"## {h}" not in lines] == []


def test_the_overview_names_them_all() -> None:
    overview = (DOCS / "playbooks" / "index.md").read_text()
    assert [p.stem for p in MANIFESTS if f"({p.stem}.md)" not in overview] == []
