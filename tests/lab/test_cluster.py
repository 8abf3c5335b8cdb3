"""A component that dies is named with the end of its log."""

import re
from pathlib import Path

import pytest

from lab import cleanup, cluster, pause, procs, settings, up
from lab.cluster import Cluster
from lab.components import Component
from lab.system import LabError


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    monkeypatch.setattr(cluster, "locate", lambda bin_dir, module, name: tmp_path / name)
    places = {name: str(tmp_path / name.lower()) for name in ("STATE", "RUN", "CACHE")}
    return settings.load({"HOME": "/", **{f"KNOWNGOOD_LAB_{name}": path for name, path in places.items()}})


def test_the_dead_one_is_named_with_the_last_twenty_lines(lab: settings.Settings) -> None:
    one = Cluster(lab, {})
    one.start(Component("etcd", Path("/bin/sh"), ["-c", "seq 1 50; exit 1"]))
    with pytest.raises(LabError) as error:
        one.wait("never", lambda: False)
    assert re.match(r"etcd died; the end of its log:\n31\n32\n", str(error.value))
    assert str(error.value).endswith("\n50")


def test_what_was_started_is_recorded_at_once_and_ended_by_cleaning(lab: settings.Settings) -> None:
    one = Cluster(lab, {})
    one.start(Component("registry", Path("/bin/sleep"), ["60"]))
    one.check()
    assert up.health(lab) == {"registry": True}
    cleanup.end_processes(lab)
    assert up.health(lab) == {"registry": False}
    assert not procs.alive(one.started["registry"])


def test_waiting_too_long_names_what_for(lab: settings.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 0.05)
    with pytest.raises(LabError, match="node ready took longer"):
        Cluster(lab, {}).wait("node ready", lambda: False)


def test_no_lab_is_running_where_nothing_is_recorded(lab: settings.Settings) -> None:
    assert up.running(lab) is None
    assert up.health(lab) == {}


def test_the_sandbox_image_names_its_layer_by_digest() -> None:
    layer = pause.layer(b"program")
    assert pause.layer(b"program") == layer
    assert pause.config(layer) != pause.config(pause.layer(b"other"))
