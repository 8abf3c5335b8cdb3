"""Serves the release baked into the image: `python -m lab.model.serve`.

Environment: MODEL_DIR (where train.py wrote), PORT (8080), DRAIN_SECONDS (3), MODEL_NAME (digits).
SIGTERM is no reason to fail a caller: the server goes on answering for DRAIN_SECONDS,
unready and closing kept-alive connections, and only then stops.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from types import FrameType

import uvicorn

from lab.model.app import Model, build_app
from lab.model.metrics import ModelMetrics
from lab.model.network import Network


class DrainingServer(uvicorn.Server):
    """A uvicorn server whose first signal starts a drain; a second one stops it at once."""

    def __init__(self, config: uvicorn.Config, model: Model, drain: float) -> None:
        super().__init__(config)
        self._model = model
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the drain, or end it on the second signal."""
        if self._model.draining:
            super().handle_exit(sig, frame)
            return
        self._model.draining = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self._drain, super().handle_exit, sig, frame)


def load(directory: Path, name: str) -> Model:
    """The model that train.py wrote to `directory`; OSError when its files are missing."""
    metadata = json.loads((directory / "metadata.json").read_text())
    release = metadata["release"]
    network = Network.load(directory / "model.npz")
    return Model(release, metadata["decoder"], network, ModelMetrics(name, release))


def main() -> None:
    """Serve until told to stop."""
    model = load(Path(os.environ.get("MODEL_DIR", "/model")), os.environ.get("MODEL_NAME", "digits"))
    config = uvicorn.Config(
        build_app(model),
        host=os.environ.get("HOST", "0.0.0.0"),
        port=int(os.environ.get("PORT", "8080")),
        access_log=False,
        log_level="warning",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )
    print(f"{model.release} on port {config.port}", flush=True)
    DrainingServer(config, model, float(os.environ.get("DRAIN_SECONDS", "3"))).run()


if __name__ == "__main__":
    main()
