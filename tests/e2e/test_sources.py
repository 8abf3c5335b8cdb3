"""A Prometheus that fails is no incident: it is said, nothing is done, and it heals by itself."""

import pytest

from tests.e2e.cluster import Audit, Operator, Place, eventually
from tests.e2e.conftest import USER
from tests.e2e.faults import FaultProxy

EXPECTED = {
    "refuse": "Unreachable",
    "hang": "Timeout",
    "http500": "ServerError",
    "http429": "Throttled",
    "http403": "Unauthorized",
    "empty": "Empty",
    "nan": "NotANumber",
    "garbage": "BadAnswer",
    "cut": "BadAnswer",
    "warnings": "Warnings",
    "stale": "Stale",
}


def test_every_way_to_fail_is_tried() -> None:
    assert set(EXPECTED) == set(FaultProxy.MODES)


@pytest.mark.parametrize("mode", list(EXPECTED))
def test_a_source_that_fails_is_said_and_heals(mode: str, place: Place, running: Operator, proxy: FaultProxy) -> None:
    pid = running.pid
    proxy.set(mode)
    said = eventually(
        f"SignalsAvailable=False for {mode}",
        60,
        lambda: (c := place.condition("SignalsAvailable")).get("status") == "False" and c,
    )
    assert said["reason"] == EXPECTED[mode]
    assert said["message"]
    assert place.status()["phase"] == "Inconclusive"
    assert place.incidents() == []
    proxy.set("pass")
    eventually("healed", 60, lambda: place.condition("SignalsAvailable").get("status") == "True")
    assert running.alive
    assert running.pid == pid
    assert place.incidents() == []


@pytest.mark.parametrize("mode", ["refuse", "http500", "empty"])
def test_a_breach_behind_a_fault_waits_for_the_source(mode: str, place: Place, proxy: FaultProxy, audit: Audit) -> None:
    proxy.set(mode)
    eventually("the fault is noticed", 30, lambda: place.condition("SignalsAvailable").get("status") == "False")
    place.set_image(place.bad)
    place.kubectl("rollout", "status", "deployment/digits", "--timeout=90s")
    seen = audit.pins(place.namespace, USER)
    assert place.incidents() == []
    assert seen == []
    assert place.image() == place.bad
    proxy.set("pass")
    eventually("contained after healing", 60, lambda: place.in_phase("Contained"))
    assert place.image() == place.good
