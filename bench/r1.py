"""R1: the operator killed, and answered falsely, at its writes: how many runs end otherwise than an undisturbed one."""

import tempfile
from collections import Counter
from pathlib import Path

from bench.result import Result, result
from tests.faults import matrix
from tests.faults.cluster import surroundings
from tests.faults.proxy import ANSWERS, KILLS
from tests.faults.scenes import PROMOTED, SCENES

SEED, EACH = 1, 2


def run(prove: bool) -> Result:
    """Runs that lost or doubled something; ``prove``: every write of every scene with every fault."""
    with tempfile.TemporaryDirectory() as directory, surroundings(Path(directory)) as around:
        recordings = {s.name: matrix.record(around, s) for s in (SCENES if prove else (PROMOTED,))}
        found = matrix.sample(list(recordings.values()), (*KILLS, *ANSWERS), EACH, SEED)
        if prove:
            found = matrix.whole(list(recordings.values()))
        outcomes = matrix.run(around, found, recordings, matrix.loudly if prove else lambda _: None)
    wrong = [(o, said) for o in outcomes if (said := matrix.complaints(o, recordings[o.case.scene.name]))]
    reached = [o for o in outcomes if o.reached]
    rows = [(f"{name}: writes of a run", str(len(r.places))) for name, r in recordings.items()]
    for name, count in Counter(o.case.fault.value.name for o in reached if o.case.fault).items():
        rows.append((name, f"{count} runs"))
    rows.append(("cases whose write did not come in three runs", str(len(outcomes) - len(reached))))
    rows += [("not reached", str(o.case)) for o in outcomes if not o.reached]
    rows += [(str(o.case), "; ".join(said)[:500]) for o, said in wrong]
    goal = f"0 of {len(reached)} runs end otherwise"
    return result("R1", len(wrong), "runs", goal, bool(reached) and not wrong, floor=0, rows=rows)
