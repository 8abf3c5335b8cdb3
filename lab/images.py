"""Building images and bringing them into the lab's registry, by digest."""

import hashlib
import json
import os
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from lab import base, env, pipconf, settings
from lab.context import files
from lab.progress import say, step
from lab.settings import Settings

_ACCEPT = "application/vnd.oci.image.manifest.v1+json"
# Raised by hand when the way of building changes, so that older images are not taken for new ones.
_RECIPE = "1"


def inputs_hash(context: Path, dockerfile: Path, arguments: Mapping[str, str]) -> str:
    """SHA-256 over what an image is made from: the context's files and modes, Dockerfile, arguments."""
    digest = hashlib.sha256(json.dumps([_RECIPE, sorted(arguments.items())]).encode())
    digest.update(dockerfile.read_bytes())
    for path in files(context):
        mode = "x" if os.access(path, os.X_OK) else "-"
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(context)}\0{mode}\0{content}\n".encode())
    return digest.hexdigest()


def in_registry(registry: str, name: str, digest: str) -> bool:
    """Whether the registry has the image."""
    url = f"http://{registry}/v2/{name}/manifests/{digest}"
    request = urllib.request.Request(url, headers={"Accept": _ACCEPT}, method="HEAD")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def build(
    name: str,
    context: Path,
    dockerfile: Path | None = None,
    build_args: Mapping[str, str] | None = None,
    lab: Settings | None = None,
) -> str:
    """Build an image and push it; returns "REGISTRY/name@sha256:…".

    name: repository, such as "vision/digits". context: directory sent to the build.
    dockerfile: its Dockerfile by default. build_args: BASE is added (the lab's base image).
    The same inputs are built once; then this takes milliseconds. Raises LabError with the
    build's last lines, or when no lab was started from this clone.
    """
    lab = lab or settings.load()
    dockerfile = dockerfile or context / "Dockerfile"
    registry = env.load()["REGISTRY"]
    wanted = {"BASE": lab.base_image or base.NAME, **(build_args or {})}
    key = inputs_hash(context, dockerfile, wanted)
    record = lab.cache / "images" / name.replace("/", "_") / key
    if record.exists() and in_registry(registry, name, record.read_text()):
        return f"{registry}/{name}@{record.read_text()}"
    base.image(lab)
    with step(f"image {name}"):
        digest = _build_and_push(lab, f"{registry}/{name}:{key[:12]}", context, dockerfile, wanted)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(digest)
    return f"{registry}/{name}@{digest}"


def _build_and_push(
    lab: Settings, reference: str, context: Path, dockerfile: Path, arguments: Mapping[str, str]
) -> str:
    say(f"building {reference}")
    with tempfile.TemporaryDirectory(prefix="knowngood-lab-") as scratch:
        flags = ["--isolation=chroot", "--layers", "--format=oci", "--pull=false", f"--file={dockerfile}"]
        flags += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        flags += pipconf.mounts(Path(scratch))
        base.buildah(lab, "bud", "-q", *flags, "-t", reference, context, timeout=1800)
        said = Path(scratch) / "digest"
        push = ["push", "-q", "--tls-verify=false", "--disable-compression", f"--digestfile={said}"]
        base.buildah(lab, *push, reference)
        return said.read_text().strip()
