"""What a benchmark found, in one form for all."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

OUT = Path("build") / "bench"


@dataclass(frozen=True)
class Result:
    """A figure held against its goal; ``peer`` and ``floor`` are in the figure's unit unless they say otherwise."""

    id: str
    figure: float
    unit: str
    goal: str
    peer: object
    floor: object
    ok: bool
    machine: str
    at: str
    rows: tuple[tuple[str, str], ...] = ()

    def write(self, directory: Path = OUT) -> Path:
        """Write ``<id>.json`` by the bench contract."""
        directory.mkdir(parents=True, exist_ok=True)
        content = asdict(self)
        content.pop("rows")
        path = directory / f"{self.id}.json"
        path.write_text(json.dumps(content, indent=2) + "\n")
        return path

    def line(self) -> str:
        """One line for a person."""
        verdict = "ok" if self.ok else "MISSED"
        return (
            f"{self.id}  {self.figure:g} {self.unit}  goal {self.goal}  peer {self.peer}  floor {self.floor}  {verdict}"
        )


def result(
    id: str,
    figure: float,
    unit: str,
    goal: str,
    ok: bool,
    peer: object = None,
    floor: object = None,
    rows: Sequence[tuple[str, str]] = (),
) -> Result:
    """A result of now, on this machine."""
    return Result(id, figure, unit, goal, peer, floor, ok, machine(), now(), tuple(rows))


def now() -> str:
    """RFC 3339, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def machine() -> str:
    """Processor, cores and memory; never a name."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of ``values`` do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = max(1, -(-int(share * 1000) * len(ordered) // 1000))
    return ordered[min(rank, len(ordered)) - 1]


def table(results: Sequence[Result]) -> str:
    """Markdown of several results."""
    lines = ["| | figure | goal | peer | floor | |", "|---|---|---|---|---|---|"]
    for r in results:
        verdict = "ok" if r.ok else "missed"
        lines.append(f"| {r.id} | {r.figure:g} {r.unit} | {r.goal} | {r.peer} | {r.floor} | {verdict} |")
    return "\n".join(lines)


def proof(result: Result, command: str) -> str:
    """The page of docs/proofs for a long run."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in result.rows)
    return (
        f"# {result.id}\n\n`{command}`, {result.at}, {result.machine}\n\n{table([result])}\n\n"
        f"| what | value |\n|---|---|\n{rows}\n"
    )
