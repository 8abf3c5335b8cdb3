"""R1: the operator killed, and answered falsely, at its writes: how many runs end otherwise than an undisturbed one."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.result import Result, result
from tests.faults import matrix
from tests.faults.cluster import surroundings
from tests.faults.proxy import ANSWERS, KILLS
from tests.faults.scenes import PROMOTED, SCENES, Scene
from tests.faults.shipped import PLAYBOOKS

SEED, EACH = 1, 2
ALL = (*SCENES, *(s for s in PLAYBOOKS if s not in SCENES))


def run(prove: bool) -> Result:
    """Runs that lost or doubled something; ``prove``: every write of every scene with every fault."""
    return _run("R1", ALL if prove else (PROMOTED, *PLAYBOOKS), {s.name for s in ALL}, prove)


def _of(id: str, scenes: Sequence[Scene], prove: bool) -> Result:
    """The same of some scenes, held against what the first one has already."""
    others = [s for s in ALL if s.name in {PROMOTED.name, *(s.goes_on for s in scenes)} and s not in scenes]
    return _run(id, (*others, *scenes), {s.name for s in scenes}, prove)


def _parts() -> dict[str, partial[Result]]:
    named: dict[str, list[Scene]] = {}
    for scene in ALL:
        named.setdefault(f"R1-{scene.book or 'others'}", []).append(scene)
    named["R1-playbooks"] = list(PLAYBOOKS)
    return {id: partial(_of, id, scenes) for id, scenes in named.items()}


PARTS = _parts()


def _run(id: str, scenes: Sequence[Scene], wanted: set[str], prove: bool) -> Result:
    with tempfile.TemporaryDirectory() as directory, surroundings(Path(directory)) as around:
        recordings = matrix.record_all(around, scenes, runs=2 if prove else 1)
        every = [r for r in recordings.values() if r.scene.name in wanted]
        found = matrix.sample(every, (*KILLS, *ANSWERS), EACH, SEED)
        if prove:
            found = [c for c in matrix.whole(list(recordings.values())) if c.scene.name in wanted]
        outcomes = matrix.run(around, found, recordings, matrix.loudly if prove else lambda _: None)
    wrong = [(o, said) for o in outcomes if (said := matrix.complaints(o, recordings[o.case.scene.name]))]
    reached = [o for o in outcomes if o.reached]
    rows = [(f"{r.scene.name}: writes of a run", str(len(r.places))) for r in every]
    for name, count in Counter(o.case.fault.value.name for o in reached if o.case.fault).items():
        rows.append((name, f"{count} runs"))
    rows.append(("cases whose write did not come in three runs", str(len(outcomes) - len(reached))))
    rows += [("not reached", str(o.case)) for o in outcomes if not o.reached]
    rows += [(str(o.case), "; ".join(said)[:500]) for o, said in wrong]
    goal = f"0 of {len(reached)} runs end otherwise"
    return result(id, len(wrong), "runs", goal, bool(reached) and not wrong, floor=0, rows=rows)
