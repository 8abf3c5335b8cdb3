"""The machine's own pip configuration inside an image build, mounted and never written to the image."""

import configparser
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def parse_list(text: str) -> dict[str, str]:
    """Option → value of `pip config list`; what is nearer to the process (environment) wins."""
    order = ("global", "site", "user", "install", ":env:")
    found: dict[str, tuple[int, str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        scope, _, option = key.partition(".")
        rank = order.index(scope) if scope in order else 0
        if option and rank >= found.get(option, (-1, ""))[0]:
            found[option] = (rank, value.strip("'\""))
    return {option: value for option, (_, value) in found.items()}


def find_links(options: Mapping[str, str]) -> list[str]:
    """Local directories with wheels that exist."""
    words = options.get("find-links", "").replace("\\n", " ").split()
    return [word for word in words if Path(word).is_dir()]


def render(options: Mapping[str, str]) -> str:
    """A pip.conf with what a build needs: indexes, trust, time-outs."""
    kept = ("index-url", "extra-index-url", "trusted-host", "timeout", "default-timeout", "retries", "proxy")
    lines = [f"{option} = {options[option]}" for option in kept if option in options]
    links = find_links(options)
    lines += [f"find-links = {' '.join(links)}"] if links else []
    return "\n".join(["[global]", f"cert = {_BUNDLE}", "disable-pip-version-check = true", *lines, ""])


def host_bundle(options: Mapping[str, str]) -> str | None:
    """The file of authorities that this machine trusts."""
    default = ssl.get_default_verify_paths().cafile
    candidates = (options.get("cert"), os.environ.get("SSL_CERT_FILE"), _BUNDLE, default)
    return next((path for path in candidates if path and Path(path).is_file()), None)


def mounts(scratch: Path) -> list[str]:
    """`--volume` flags for a build; the pip.conf is written into `scratch`."""
    argv = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    options = parse_list(listed)
    own = scratch / "pip.conf"
    own.write_text(render(options))
    configparser.ConfigParser(interpolation=None).read_string(own.read_text())
    pairs = [f"{own}:/etc/pip.conf:ro"]
    bundle = host_bundle(options)
    pairs += [f"{Path(bundle).resolve()}:{_BUNDLE}:ro"] if bundle else []
    pairs += [f"{path}:{path}:ro" for path in find_links(options)]
    return [f"--volume={pair}" for pair in pairs]
