"""Seeded samples of the long proofs, on a real API server with the real operator as a process."""

import pytest

from bench import r5, r7, r9
from bench.result import Result

pytestmark = pytest.mark.conformance


def check(found: Result) -> dict[str, str]:
    assert found.ok, "\n".join(f"{what}: {value}" for what, value in found.rows)
    return dict(found.rows)


def test_mutated_resources_are_refused_or_explained_and_nobody_is_disturbed() -> None:
    rows = check(r7.measured(40))
    assert int(rows["refused at admission"]) > 0
    assert int(rows["explained by Ready=False"]) > 0


def test_hostile_resources_reach_nothing_beyond_their_namespace() -> None:
    rows = check(r9.measured(50))
    assert int(rows["incidents contained"]) > 0
    assert int(rows["of them for evidence, narrowed to a model's labels"]) > 0


def test_a_storm_opens_one_incident_an_episode_and_contains_no_more_than_the_limits() -> None:
    rows = check(r5.measured(24))
    assert rows["most containments at one moment, in the cluster and of one policy"] == "10, 3"
