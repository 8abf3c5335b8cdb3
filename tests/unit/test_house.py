"""Rules of the house that no linter holds."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
HOUSE = REPO / "operator" / "knowngood"
DECIDING = sorted([*(HOUSE / "core").rglob("*.py"), *(HOUSE / "api").rglob("*.py")])

# Attributes that read a clock, roll dice, or look around, whatever they are called on.
IMPURE = frozenset(
    {"now", "utcnow", "today", "monotonic", "perf_counter", "time_ns", "uuid1", "uuid4", "getenv", "environ"}
)


def impurities(source: str) -> Iterator[str]:
    """What in this source reads a clock, is random, or is asynchronous."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in IMPURE and isinstance(node.ctx, ast.Load):
            if isinstance(node.value, ast.Name) and node.value.id in (
                "datetime",
                "date",
                "uuid",
                "os",
                "time",
            ):
                yield f"line {node.lineno}: {node.value.id}.{node.attr}"
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield f"line {node.lineno}: async"


def tracked() -> list[Path]:
    """Files that are, or will be, checked in."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [REPO / name for name in listed.stdout.splitlines() if (REPO / name).is_file()]


@pytest.mark.parametrize("path", DECIDING, ids=lambda path: str(path.relative_to(HOUSE)))
def test_core_and_api_only_decide(path: Path) -> None:
    assert list(impurities(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "datetime.now(UTC)",
        "date.today()",
        "uuid.uuid4()",
        "os.environ['A']",
        "clock = datetime.utcnow",
        "async def f(): ...",
    ],
)
def test_an_impure_line_is_found(source: str) -> None:
    assert list(impurities(source))


@pytest.mark.parametrize("source", ["def f(now): return now", "self.now", "uuid.uuid5(a, b)", "datetime(2026, 1, 1)"])
def test_a_pure_line_is_not(source: str) -> None:
    assert not list(impurities(source))


def test_operator_never_becomes_a_package() -> None:
    """It would shadow the standard library's operator."""
    assert not (REPO / "operator" / "__init__.py").exists()


def test_no_module_hides_one_of_the_standard_library() -> None:
    names = {path.stem for path in HOUSE.rglob("*.py")}
    assert not names & {"signal", "types", "inspect"}


def test_every_package_and_module_says_what_it_is() -> None:
    for path in HOUSE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_locks_hold_hashes_and_no_addresses() -> None:
    for lock in REPO.glob("requirements*.lock"):
        lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
        assert not [line for line in lines if "://" in line or line.startswith("-")], lock
        pins = [line for line in lines if "==" in line]
        assert pins
        assert all(line.endswith("\\") for line in pins), f"{lock}: a pin without hashes"


def test_lock_covers_what_the_project_needs() -> None:
    needed = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = (REPO / "requirements.lock").read_text()
    for requirement in needed:
        name = requirement.split(">")[0].split("=")[0]
        assert f"\n{name}==" in f"\n{locked}", f"{name} is not in requirements.lock"


def test_the_image_holds_only_what_it_is_made_of() -> None:
    ignored = (REPO / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "requirements.lock",
        "requirements-build.lock",
        "operator",
    }


def test_the_image_runs_as_nobody() -> None:
    lines = (REPO / "Dockerfile").read_text().splitlines()
    assert lines.index("USER 65532:65532") > max(n for n, line in enumerate(lines) if line.startswith("FROM"))
    assert not [line for line in lines if "index-url" in line or line.startswith("ADD ")]


def test_nothing_is_checked_in_that_is_made_here() -> None:
    names = {str(path.relative_to(REPO)) for path in tracked()}
    assert not {name for name in names if name.startswith((".venv/", "build/")) or name.endswith(".pyc")}
