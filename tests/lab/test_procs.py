"""Processes: known for all time, ended exactly, never another."""

import dataclasses
import os
import subprocess
from pathlib import Path

from lab import procs


def _sleeper(tmp_path: Path) -> procs.Identity:
    return procs.launch(["sleep", "60"], tmp_path / "log", os.environ)


def test_a_command_with_parentheses_and_blanks_does_not_confuse_the_fields() -> None:
    fields = " ".join(str(number) for number in range(1, 40))
    assert procs.parse_stat(f"42 (a) b (c) S {fields}") == ("S", 19)


def test_we_are_alive_and_a_later_owner_of_our_pid_is_not_us() -> None:
    me = procs.identify(os.getpid())
    assert me is not None
    assert procs.alive(me)
    assert not procs.alive(dataclasses.replace(me, start=me.start + 1))
    assert not procs.alive(dataclasses.replace(me, boot="another boot"))


def test_a_zombie_is_dead(tmp_path: Path) -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert procs.identify(child.pid) is None
    child.wait()


def test_a_launched_program_leads_its_own_session_and_ends(tmp_path: Path) -> None:
    one = _sleeper(tmp_path)
    assert os.getsid(one.pid) == one.pid != os.getsid(0)
    procs.end([one])
    assert not procs.alive(one)


def test_children_in_the_session_end_with_their_leader(tmp_path: Path) -> None:
    script = f"sleep 61 & echo $! > {tmp_path}/pid; wait"
    one = procs.launch(["sh", "-c", script], tmp_path / "log", os.environ)
    written = tmp_path / "pid"
    assert procs.wait_for(lambda: written.exists() and written.read_text().endswith("\n"), 5)
    child = procs.identify(int(written.read_text()))
    assert child is not None
    procs.end([one])
    assert procs.wait_for(lambda: not procs.alive(child), 5)


def test_who_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    one = procs.launch(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"], tmp_path / "log", os.environ)
    assert procs.wait_for(lambda: "up" in (tmp_path / "log").read_text(), 5)
    procs.end([one], grace=0.2)
    assert not procs.alive(one)


def test_a_process_that_took_over_the_pid_is_left_alone(tmp_path: Path) -> None:
    one = _sleeper(tmp_path)
    procs.end([dataclasses.replace(one, start=one.start - 1)])
    assert procs.alive(one)
    procs.end([one])


def test_records_survive_and_broken_ones_are_left_out(tmp_path: Path) -> None:
    one = procs.Identity(7, 8, "b")
    procs.save(tmp_path, "etcd", one)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "strange.json").write_text('{"x": 1}')
    assert procs.recorded(tmp_path) == {"etcd": one}
    assert procs.recorded(tmp_path / "absent") == {}


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    procs.launch(["sh", "-c", "echo out; echo err >&2"], tmp_path / "log", os.environ)
    assert procs.wait_for(lambda: (tmp_path / "log").read_text() == "out\nerr\n", 5)


def test_waiting_gives_up() -> None:
    assert not procs.wait_for(lambda: False, 0.05, pause=0.01)
