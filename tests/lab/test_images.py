"""Images: rebuilt when, and only when, what they are made from changed."""

from pathlib import Path

import pytest

from lab import images, pipconf


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM x\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("a")
    return tmp_path


def _hash(context: Path, **arguments: str) -> str:
    return images.inputs_hash(context, context / "Dockerfile", arguments)


def test_same_inputs_same_hash_whatever_the_times(context: Path) -> None:
    before = _hash(context, BASE="b")
    (context / "src" / "a.py").write_text("a")
    (context / "src" / "__pycache__").mkdir()
    (context / "src" / "__pycache__" / "a.pyc").write_text("x")
    assert _hash(context, BASE="b") == before


def test_any_input_changes_the_hash(context: Path) -> None:
    seen = {_hash(context, BASE="b"), _hash(context, BASE="c"), _hash(context)}
    (context / "src" / "a.py").chmod(0o755)
    seen.add(_hash(context))
    (context / "src" / "a.py").write_text("b")
    seen.add(_hash(context))
    (context / "src" / "a.py").rename(context / "src" / "b.py")
    seen.add(_hash(context))
    (context / "Dockerfile").write_text("FROM y\n")
    seen.add(_hash(context))
    assert len(seen) == 7


def test_a_registry_that_does_not_answer_has_nothing() -> None:
    assert not images.in_registry("127.0.0.1:1", "x", "sha256:0")


def test_pip_options_of_the_process_win() -> None:
    listed = ":env:.timeout='180'\nglobal.timeout='5'\nglobal.index-url='https://pypi.example/simple'\n"
    assert pipconf.parse_list(listed) == {"timeout": "180", "index-url": "https://pypi.example/simple"}


def test_a_build_gets_index_trust_and_existing_wheels(tmp_path: Path) -> None:
    options = {
        "index-url": "https://pypi.example/simple",
        "find-links": f"{tmp_path} /absent",
        "cert": "/x.pem",
    }
    text = pipconf.render(options)
    assert "index-url = https://pypi.example/simple" in text.splitlines()
    assert f"find-links = {tmp_path}" in text.splitlines()
    assert "cert = /etc/ssl/certs/ca-certificates.crt" in text.splitlines()


def test_the_configuration_is_mounted_and_not_copied(tmp_path: Path) -> None:
    flags = pipconf.mounts(tmp_path)
    assert flags[0] == f"--volume={tmp_path}/pip.conf:/etc/pip.conf:ro"
    assert all(flag.startswith("--volume=") and flag.endswith(":ro") for flag in flags)
