"""`python -m bench [NAME] [--prove]`: run benchmarks, print a table, write build/bench/<ID>.json."""

import sys
from collections.abc import Callable
from pathlib import Path

from bench import calm, d1, d2, d3, d4, p1, p2, p3, p4, p5, p8, r1, r4, r5, r6, r7, r8, r9, real
from bench.result import Result, proof, table

BENCHES = {
    "P1": p1.run,
    "P2": p2.run,
    "P3": p3.run,
    "P4": p4.run,
    "P5": p5.run,
    "P8": p8.run,
    "D1": d1.run,
    "D2": d2.run,
    "D3": d3.run,
    "D4": d4.run,
    "DR": real.run,
    "CALM": calm.run,
    "R1": r1.run,
    "R4": r4.run,
    "R5": r5.run,
    "R6": r6.run,
    "R7": r7.run,
    "R8": r8.run,
    "R9": r9.run,
}
PARTS = r1.PARTS  # of a long one, each by its name
PROOFS = Path("docs") / "proofs"


def main(words: list[str]) -> int:
    """Run what is named, or everything; 1 where a goal is missed, 2 where a name is unknown."""
    prove = "--prove" in words
    names = [w for w in words if not w.startswith("-")] or list(BENCHES)
    known: dict[str, Callable[[bool], Result]] = {**BENCHES, **PARTS}
    unknown = [n for n in names if n not in known]
    if unknown:
        print(f"no benchmark {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    for name in names:
        found = known[name](prove)
        found.write()
        print(found.line(), flush=True)
        for what, value in found.rows:
            print(f"    {what}: {value}")
        if prove:
            PROOFS.mkdir(parents=True, exist_ok=True)
            (PROOFS / f"{name}.md").write_text(proof(found, f"python -m bench {name} --prove"))
        results.append(found)
    print(table(results))
    return 0 if all(r.ok for r in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
