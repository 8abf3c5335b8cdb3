"""The sandbox image: one static program, packed by hand into an archive that containerd imports."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

NAME = "knowngood.dev/lab-pause:1"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def layer(program: bytes) -> bytes:
    """An uncompressed layer that holds the program as /pause."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        _add(archive, "pause", program, 0o755)
    return out.getvalue()


def config(layer_bytes: bytes) -> bytes:
    """The image's configuration: runs /pause as nobody."""
    return json.dumps(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": ["/pause"], "User": "65534:65534"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer_bytes).hexdigest()}"]},
        }
    ).encode()


def write(program: Path, target: Path) -> None:
    """Pack the program at `program` into an image archive at `target`."""
    content = layer(program.read_bytes())
    manifest = [{"Config": "config.json", "RepoTags": [NAME], "Layers": ["layer.tar"]}]
    with tarfile.open(target, "w") as archive:
        _add(archive, "config.json", config(content))
        _add(archive, "layer.tar", content)
        _add(archive, "manifest.json", json.dumps(manifest).encode())
