"""The Role is made of what the actions declare, and of nothing else."""

from pathlib import Path

import pytest

from knowngood.core.response.mutation import Verb
from knowngood.core.response.registry import ACTIONS
from knowngood.core.response.rights import BASE, rules, template_rules
from knowngood.shell.rights import FILE, TEMPLATES, documents

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[3]


def test_the_charts_file_is_what_the_actions_declare() -> None:
    assert set(documents()) == {FILE, TEMPLATES}
    for path, text in documents().items():
        assert (ROOT / path).read_text() == text, "run `make generate`"


def test_every_right_of_every_action_is_granted_once() -> None:
    granted = [(r["apiGroups"][0], res, verb) for r in rules() for res in r["resources"] for verb in r["verbs"]]
    assert len(granted) == len(set(granted))
    for verb in (*BASE, *(v for a in ACTIONS for v in a.verbs if not v.templates)):
        assert {(verb.group, verb.resource, word) for word in verb.verbs} <= set(granted)


def test_what_only_templates_need_is_granted_nowhere_else() -> None:
    everywhere = {(r["apiGroups"][0], res) for r in rules() for res in r["resources"]}
    there = {(r["apiGroups"][0], res) for r in template_rules() for res in r["resources"]}
    assert there == {("batch", "cronjobs"), ("batch", "jobs")}
    assert not there & everywhere


def test_without_an_action_its_rights_are_gone() -> None:
    assert not any("patch" in r["verbs"] and "deployments" in r["resources"] for r in rules(BASE))


def test_resources_of_equal_rights_stand_together() -> None:
    made = rules([Verb("g", "a", ("get",)), Verb("g", "b", ("get",)), Verb("g", "a", ("get", "list"))])
    assert made == [
        {"apiGroups": ["g"], "resources": ["a"], "verbs": ["get", "list"]},
        {"apiGroups": ["g"], "resources": ["b"], "verbs": ["get"]},
    ]
