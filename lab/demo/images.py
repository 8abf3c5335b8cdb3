"""Builds what the demo runs: the operator and two releases of the model."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from lab import images
from lab.model.releases import BAD, GOOD, RELEASES

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "demo"
NOT_BUILT_FROM = shutil.ignore_patterns("__pycache__", "*.md", "*.in")


@dataclass(frozen=True)
class Images:
    """References by digest, REGISTRY/name@sha256:…"""

    operator: str
    good: str
    bad: str


def stage(target: Path) -> Path:
    """A build context with the model's and the traffic's files alone, so that other edits rebuild nothing."""
    shutil.rmtree(target, ignore_errors=True)
    for part in ("model", "traffic"):
        shutil.copytree(ROOT / "lab" / part, target / part, ignore=NOT_BUILT_FROM)
    return target


def shipped(ignore_file: str) -> list[str]:
    """The names that a .dockerignore of the form "*, but !these" lets through."""
    return [line[1:].strip() for line in ignore_file.splitlines() if line.startswith("!")]


def stage_operator(target: Path) -> Path:
    """A build context with what the operator's image is made of, and nothing else to hash or to send."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in [*shipped((ROOT / ".dockerignore").read_text()), "Dockerfile"]:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)
    return target


def model(release: str) -> str:
    """Build a release of the digits model and push it into the lab's registry; its reference by digest."""
    context = stage(BUILD / "context")
    return images.build("digits", context, context / "model" / "Dockerfile", {"RELEASE": release})


def build_all() -> Images:
    """Build and push all three; what has not changed is not built again."""
    return Images(
        operator=images.build("knowngood-operator", stage_operator(BUILD / "operator")),
        good=model(GOOD),
        bad=model(BAD),
    )


def main() -> int:
    """Print the image of the release that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo.images", description=model.__doc__)
    parser.add_argument("release", choices=list(RELEASES))
    print(model(parser.parse_args().release))
    return 0


if __name__ == "__main__":
    sys.exit(main())
