"""SIGKILL at random points between breach and Contained: one incident, one patch, the same end."""

import os
import random
import time

import pytest

from tests.e2e.cluster import Audit, Operator, Place, eventually
from tests.e2e.conftest import USER

SEEDS = int(os.environ.get("KNOWNGOOD_SEEDS", "20"))
ROUNDS = -(-SEEDS // 4)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_kill_between_breach_and_contained_loses_and_doubles_nothing(
    number: int, running: Operator, places: list[Place], audit: Audit
) -> None:
    for place in places:
        place.reset(place.good)
    chance = random.Random(number)
    for place in places:
        place.set_image(place.bad)
    eventually("a first incident", 60, lambda: any(p.incidents() for p in places))
    for _ in places:  # a kill for each model, which all are at their own point between breach and Contained
        time.sleep(chance.uniform(0.0, 0.4))
        running.kill()
        running.start()
        time.sleep(chance.uniform(0.8, 2.0))
    for place in places:
        found = eventually(f"{place.namespace} contained", 90, lambda p=place: p.in_phase("Contained"))
        assert place.image() == place.good
        assert found["status"]["plan"]["steps"][1]["state"] == "Done"
        pins = audit.pins(place.namespace, USER)
        assert len(pins) == 1, f"{place.namespace}: {len(pins)} patches"
        for patch in audit.patches(place.namespace, USER):
            meta = patch["requestObject"]["metadata"]
            assert meta["uid"]
            assert meta["resourceVersion"]
            declared = set(meta.get("annotations", {}))
            assert declared <= {"knowngood.dev/pinned-by", "knowngood.dev/replaced", "knowngood.dev/fenced-by"}
