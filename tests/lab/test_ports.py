"""Ports: distinct, free, preferred where possible, remembered."""

import json
import socket
from pathlib import Path

import pytest

from lab import ports


def test_preferred_ports_are_taken_when_free() -> None:
    assert ports.choose(ports.PREFERRED, lambda port: True) == ports.PREFERRED


def test_a_taken_port_gives_way_to_the_next_and_never_to_anothers() -> None:
    chosen = ports.choose({"a": 20000, "b": 20001}, lambda port: port != 20000)
    assert chosen == {"a": 20002, "b": 20001}


def test_ports_are_distinct_whatever_is_taken() -> None:
    chosen = ports.choose(ports.PREFERRED, lambda port: port % 3 == 0)
    assert len(set(chosen.values())) == len(ports.PREFERRED)
    assert all(port % 3 == 0 for port in chosen.values())


def test_preferred_ports_are_below_node_ports_and_the_ephemeral_range() -> None:
    assert max(ports.PREFERRED.values()) < 30000


def test_no_free_port_is_an_error_that_names_the_component() -> None:
    with pytest.raises(RuntimeError, match="no free port for a"):
        ports.choose({"a": 29999}, lambda port: False)


def test_a_listening_port_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not ports.is_free(server.getsockname()[1])


def test_allotted_ports_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    assert ports.allot(path) == ports.remembered(path)


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"etcd": 1})])
def test_a_broken_memory_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(text)
    assert ports.remembered(path) is None
    assert ports.remembered(tmp_path / "absent") is None
