"""The base image: Debian with Python, made by debootstrap where no public registry is to be had."""

import tempfile
from pathlib import Path

from lab import debian
from lab.progress import say, step
from lab.settings import Settings
from lab.system import as_root, run

_SUITE = "bookworm"
_PACKAGES = "python3,python3-venv,ca-certificates"
# Raised by hand when the recipe changes, so that caches of the old one are not used.
_RECIPE = 1
NAME = f"localhost/knowngood-lab-base:{_SUITE}-{_RECIPE}"


def buildah(settings: Settings, *argv: str | Path, timeout: float | None = 900) -> str:
    """Run buildah on the lab's own image store."""
    store = settings.cache / "buildah"
    places: list[str | Path] = ["--root", store, "--runroot", settings.buildah_run]
    driver = ["--storage-driver", settings.storage_driver]
    return run(as_root(["buildah", *places, *driver, *argv]), timeout=timeout)


def archive(settings: Settings) -> Path:
    """Where the base image is kept, as an OCI archive."""
    return settings.cache / "base" / f"{_SUITE}-{_RECIPE}.tar"


def fetch(settings: Settings) -> None:
    """Make the archive, unless it is there or a public base image was chosen. Needs root."""
    kept = archive(settings)
    if settings.base_image or kept.exists():
        return
    say(f"making the base image: debootstrap {_SUITE}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with step("base image"), tempfile.TemporaryDirectory(dir=kept.parent, prefix=".base-") as scratch:
        root = Path(scratch) / "root"
        include = f"--include={_PACKAGES}"
        run(["debootstrap", "--variant=minbase", include, _SUITE, root, _mirror()], timeout=1200)
        for waste in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"):
            run(["find", root / waste, "-type", "f", "-delete"], check=False)
        _pack(settings, root, Path(scratch) / "image.tar")
        (Path(scratch) / "image.tar").replace(kept)


def _mirror() -> str:
    # The machine's own mirror, where it names one in the old one-line form or deb822.
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("debian.sources"))]
    for path in lists:
        for line in path.read_text().splitlines() if path.exists() else []:
            words = line.split()
            if words[:1] == ["URIs:"] or words[:1] == ["deb"]:
                found = next((word for word in words[1:] if word.rstrip("/").endswith("/debian")), None)
                if found:
                    return found
    return "http://deb.debian.org/debian"


def _pack(settings: Settings, root: Path, target: Path) -> None:
    container = buildah(settings, "from", "scratch").strip()
    try:
        buildah(settings, "add", "-q", container, root, "/")
        buildah(settings, "config", "--env", "LANG=C.UTF-8", "--cmd", "/bin/bash", container)
        buildah(settings, "commit", "-q", "--format", "oci", "--disable-compression", container, NAME)
    finally:
        buildah(settings, "rm", container)
    buildah(settings, "push", "-q", "--disable-compression", NAME, f"oci-archive:{target}:{NAME}")


def image(settings: Settings) -> str:
    """What Dockerfiles get as BASE; in buildah's store when this returns."""
    debian.install("buildah", "debootstrap")
    if settings.base_image:
        return settings.base_image
    if NAME not in buildah(settings, "images", "--format", "{{.Name}}:{{.Tag}}").split():
        fetch(settings)
        buildah(settings, "pull", "-q", f"oci-archive:{archive(settings)}")
    return NAME
