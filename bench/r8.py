"""R8: attacks with the operator's own token on a real API server that got through; the tests are the attacks."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from bench.result import Result, result

ROOT = Path(__file__).resolve().parents[1]
SUITE = "tests/conformance/admission"
LEAST = 15


def run(prove: bool) -> Result:
    """How many attacks were accepted, or could not be tried."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "attacks.xml"
        which = SUITE if prove else f"{SUITE}/test_attacks.py"
        command = [sys.executable, "-m", "pytest", which, "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
        cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = [c.get("name", "") for c in cases if any(c.find(k) is not None for k in ("failure", "error", "skipped"))]
    attacks = [c for c in cases if "test_attacks" in (c.get("classname") or "")]
    rows = [("attacks with the stolen token", str(len(attacks))), ("cases in all", str(len(cases)))]
    rows += [("got through", name) for name in failed]
    goal = f"0 of at least {LEAST} attacks"
    ok = not failed and len(attacks) >= LEAST
    return result("R8", len(failed), "got through", goal, ok, floor=0, rows=rows)
