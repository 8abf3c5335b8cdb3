"""R4: an object that is refused for ever, beside eight others: how many such poisons delay one of the others."""

import random
import tempfile
from pathlib import Path

from bench.result import Result, result
from tests.faults import matrix, poison
from tests.faults.cluster import surroundings

SEED, SAMPLE = 1, 4


def run(prove: bool) -> Result:
    """Poisons that delay others by more than two polls, or are tried without rest."""
    found = poison.cases()
    if not prove:
        found = random.Random(SEED).sample(found, SAMPLE)
    with tempfile.TemporaryDirectory() as directory, surroundings(Path(directory)) as around:
        outcomes = poison.run_all(around, found, matrix.loudly if prove else None)
    wrong = [(o, said) for o, without in outcomes if (said := poison.complaints(o, without))]
    rows = []
    for outcome, without in outcomes:
        times = f"slowest of the others {outcome.worst:.1f} s, without poison {without.worst:.1f} s"
        rows.append((str(outcome.case), f"{times}; tried {outcome.tries} times in ten seconds at most"))
    rows += [(f"delayed by {o.case}", "; ".join(said)[:500]) for o, said in wrong]
    slowest = max(without.worst for _, without in outcomes)
    goal = f"0 of {len(outcomes)} poisons delay another object"
    return result("R4", len(wrong), "poisons", goal, not wrong, peer=f"{slowest:.1f} s without", floor=0, rows=rows)
