"""CALM: incidents that half an hour of good releases, scaling, restarts and more traffic opens: none."""

import time

from bench.installed import installed
from bench.result import Result, result
from tests.e2e.calm import Calm, calm_place, wait_until

SYSTEM, NAMESPACE = "knowngood-calm", "bench-calm"
QUICK, WHOLE = 300.0, 1800.0


def run(prove: bool) -> Result:
    """Incidents, of a restless healthy model with a signal for each detector; ``prove``: 30 minutes, not 5."""
    seconds = WHOLE if prove else QUICK
    with installed(SYSTEM, [NAMESPACE]) as (_, cluster, releases):
        calm = Calm(calm_place(cluster, releases, NAMESPACE))
        calm.start()
        end = time.monotonic() + seconds
        try:
            wait_until(calm, "the time", seconds + 60, lambda: time.monotonic() >= end)
        finally:
            calm.stop()
        calm.look()
        found, happened = calm.place.incidents(), calm.happened
    rows = [
        ("seconds", f"{seconds:g}"),
        ("roll-outs of good releases", str(happened.roll_outs)),
        ("scalings", str(happened.scalings)),
        ("restarts", str(happened.restarts)),
        ("changes of traffic, to three times and back", str(happened.more_traffic)),
        ("signals that judged and were healthy", ", ".join(sorted(calm.healthy))),
        *((i["metadata"]["name"], str(i["spec"].get("summary", ""))) for i in found),
    ]
    return result("CALM", len(found), "incidents", "0", not found and bool(calm.healthy), floor=0, rows=rows)
