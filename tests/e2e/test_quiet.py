"""What happens to healthy models is no incident, whatever else happens to the operator and its sources meanwhile."""

import os
import time
from dataclasses import astuple

from tests.e2e.calm import LEARNERS, Calm, wait_until

SECONDS = float(os.environ.get("KNOWNGOOD_CALM_SECONDS", "300"))


def test_good_releases_scaling_restarts_and_more_traffic_open_no_incident(calm: Calm) -> None:
    end = calm.begun + SECONDS
    wait_until(calm, f"{SECONDS:g} s of it", end - time.monotonic() + 60, lambda: time.monotonic() >= end)
    wait_until(calm, "each detector has judged", 300, lambda: calm.healthy >= LEARNERS | {"accuracy", "leaks"})
    wait_until(calm, "each kind of thing has happened", 300, lambda: min(astuple(calm.happened)) >= 3)
    assert calm.place.incidents() == []
