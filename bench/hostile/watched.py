"""`python -m bench.hostile.watched FILE`: the operator, with every peer that it names or connects to in FILE."""

import sys
from pathlib import Path
from typing import Any

from knowngood.shell.main import main


def watch(path: Path) -> None:
    """Note each peer once; an audit hook sees every connection of this interpreter, whichever library makes it."""
    seen: set[tuple[str, str]] = set()
    out = path.open("a", buffering=1)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
            return
        peer = arguments[1] if event == "socket.connect" else arguments[0]
        shown = ":".join(str(part) for part in peer[:2]) if isinstance(peer, tuple) else str(peer)
        if (event, shown) not in seen:
            seen.add((event, shown))
            out.write(f"{event} {shown}\n")

    sys.addaudithook(hook)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    main()
