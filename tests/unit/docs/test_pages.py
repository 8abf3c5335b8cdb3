"""Pages: links resolve, examples are valid, commands exist, pictures fetch nothing."""

import re
from pathlib import Path

import pytest
import yaml

from knowngood.api.aiincident import AIIncident
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.playbook import Playbook
from tests.unit.docs.pages import DOCS, PAGES, REPO, anchors, blocks, name

KINDS = {kind.__name__: kind for kind in (ModelDeployment, IncidentPolicy, Playbook, AIIncident)}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
TARGETS = set(re.findall(r"^([a-z]+):", (REPO / "Makefile").read_text(), re.MULTILINE))
OURS = [
    pytest.param(found, id=f"{name(page)}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page.read_text(), "yaml"))
    for found in yaml.safe_load_all(block)
    if isinstance(found, dict) and str(found.get("apiVersion", "")).startswith("knowngood.dev/")
]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text()):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("raw", OURS)
def test_examples_are_valid(raw: dict[str, object]) -> None:
    KINDS[str(raw["kind"])].from_object(raw)


def test_there_are_examples() -> None:
    assert {"ModelDeployment", "IncidentPolicy"} <= {param.values[0]["kind"] for param in OURS}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_yaml_blocks_parse(page: Path) -> None:
    for block in blocks(page.read_text(), "yaml"):
        assert list(yaml.safe_load_all(block))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_commands_exist(page: Path) -> None:
    text = page.read_text()
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *blocks(text, "console"), *blocks(text, "sh")])
    assert set(re.findall(r"\bmake ([a-z]+)\b", code)) <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_addresses_of_a_machine(page: Path) -> None:
    assert not re.search(r"\b10\.22[23]\.\d+\.\d+|/work/|/root/", page.read_text())


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name)
def test_every_page_can_be_reached(page: Path) -> None:
    linked, todo = set(), [REPO / "README.md"]
    while todo:
        here = todo.pop()
        if here in linked:
            continue
        linked.add(here)
        links = (link.partition("#")[0] for link in LINK.findall(here.read_text()) if "://" not in link)
        todo += [t for link in links if link.endswith(".md") and (t := (here.parent / link).resolve()).is_file()]
    assert page in linked or "proofs" in page.parts


@pytest.mark.parametrize("image", sorted((DOCS / "images").glob("*.svg")), ids=name)
def test_pictures_fetch_nothing(image: Path) -> None:
    text = image.read_text()
    assert "@font-face" not in text
    assert not re.search(r"""(href|src)\s*=\s*["']http|url\(\s*["']?http|@import""", text)
