"""The build context: what .dockerignore leaves, and nothing else."""

from pathlib import Path

import pytest

from lab import context

ALLOW_LIST = """\
# only these
*
!README.md
!operator
!deep/kept.txt
**/__pycache__
**/*.pyc
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        ".git/config",
        ".venv/lib/x.py",
        "README.md",
        "deep/kept.txt",
        "deep/other.txt",
        "operator/a.py",
        "operator/__pycache__/a.pyc",
        "operator/b/c.pyc",
        "operator/b/d.py",
        "secret.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def _names(tree: Path) -> list[str]:
    return sorted(str(path.relative_to(tree)) for path in context.files(tree))


def test_an_allow_list_leaves_what_it_names(tree: Path) -> None:
    (tree / ".dockerignore").write_text(ALLOW_LIST)
    assert _names(tree) == ["README.md", "deep/kept.txt", "operator/a.py", "operator/b/d.py"]


def test_without_a_file_all_but_compiled_and_history(tree: Path) -> None:
    assert _names(tree) == [
        ".venv/lib/x.py",
        "README.md",
        "deep/kept.txt",
        "deep/other.txt",
        "operator/a.py",
        "operator/b/d.py",
        "secret.txt",
    ]


@pytest.mark.parametrize(
    ("pattern", "path", "left_out"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "b/a.txt", False),
        ("**/*.txt", "b/a.txt", True),
        ("**/*.txt", "a.txt", True),
        ("/b/", "b/a.txt", True),
        ("b", "bb", False),
        ("a?c", "abc", True),
        ("a.c", "abc", False),
    ],
)
def test_patterns(pattern: str, path: str, left_out: bool) -> None:
    assert context.ignored(path, context.rules(pattern)) is left_out


def test_the_last_rule_that_matches_decides() -> None:
    order = context.rules("*\n!a\na/b")
    assert [context.ignored(path, order) for path in ("a/c", "a/b/d", "e")] == [False, True, True]
