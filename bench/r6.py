"""R6: the leader of two replicas stopped at a write for twice its lease and continued: what it still gets accepted."""

import random
import tempfile
from pathlib import Path

from bench.result import Result, result
from tests.faults import matrix, takeover
from tests.faults.cluster import surroundings
from tests.faults.process import DEFAULT
from tests.faults.proxy import Faults
from tests.faults.scenes import PROMOTED, SCENES

SEED, SAMPLE = 1, 4


def run(prove: bool) -> Result:
    """Accepted writes of a former leader; ``prove``: a stop at every write, and at the pin with the default lease."""
    with tempfile.TemporaryDirectory() as directory, surroundings(Path(directory)) as around:
        recordings = {s.name: matrix.record(around, s) for s in (SCENES if prove else (PROMOTED,))}
        found = takeover.whole(list(recordings.values()))
        if not prove:
            found = random.Random(SEED).sample(found, SAMPLE)
        found.append(takeover.Stopped(PROMOTED, takeover.PATCH, Faults.STOP_BEFORE, DEFAULT))
        outcomes = takeover.run_all(around, found, matrix.loudly if prove else None)
    reached = [o for o in outcomes if o.reached]
    wrong = [(o, said) for o in reached if (said := takeover.complaints(o, recordings[o.case.scene.name]))]
    accepted = sum(len(o.accepted) for o in reached)
    rows = [
        ("stops", str(len(reached))),
        ("writes of the former leader refused after it was continued", str(sum(o.refused for o in reached))),
        ("stops whose write did not come", str(len(outcomes) - len(reached))),
    ]
    for lease in (takeover.SHORT, DEFAULT):
        times = [o.acted_after for o in reached if o.case.lease == lease and o.acted_after is not None]
        if times:
            most = (
                f"{max(times):.1f} s at most, {takeover.LIMIT_OF_DEFAULT * lease.duration / DEFAULT.duration:g} allowed"
            )
            rows.append((f"the successor acted, with a lease of {lease.duration:g} s", most))
    rows += [(str(o.case), "; ".join(said)[:500]) for o, said in wrong]
    goal = "0 accepted, the same end, the successor within twice the lease"
    return result("R6", accepted, "writes", goal, bool(reached) and not wrong, floor=0, rows=rows)
