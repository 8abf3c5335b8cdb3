"""What stands between an operator and the API server: it sees each write, and can hold one back."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.loop import background
from tests.faults.proxy import Proxy


@contextmanager
def behind_a_proxy(kubeconfig: Path, directory: Path) -> Iterator[tuple[Proxy, Path]]:
    """The proxy, and a kubeconfig of the same account that leads through it."""
    raw = json.loads(kubeconfig.read_text())
    behind = raw["clusters"][0]["cluster"]
    authority = directory / "ca.crt"
    authority.write_bytes(base64.b64decode(behind["certificate-authority-data"]))
    with background() as around:
        made = Proxy(behind["server"], str(authority))
        around.run(made.start())
        raw["clusters"][0]["cluster"] = {"server": made.url}
        through = directory / "kubeconfig-through"
        through.write_text(json.dumps(raw))
        try:
            yield made, through
        finally:
            around.run(made.stop())
