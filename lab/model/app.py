"""The HTTP face of the model: predict, feedback, health, metrics."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab.model.metrics import ModelMetrics, TooManyReleasesError, trace_id
from lab.model.network import PIXELS, WHITE, Network, decode

CLASSES = range(10)
_RELEASE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,31}")


class BadInputError(ValueError):
    """The caller sent something else than the contract says."""


@dataclass
class Model:
    """A served release: its network, its decoder, its metrics, and whether it is going away."""

    release: str
    decoder: str
    network: Network
    metrics: ModelMetrics
    draining: bool = False


def read_image(body: Any) -> Any:
    """The image of a predict body as an array; BadInputError says what is wrong."""
    image = body.get("image") if isinstance(body, dict) else None
    if not isinstance(image, list) or len(image) != PIXELS:
        raise BadInputError(f"image: a list of {PIXELS} numbers is needed")
    if any(isinstance(x, bool) or not isinstance(x, int | float) or not 0 <= x <= WHITE for x in image):
        raise BadInputError(f"image: every number must be within 0 and {WHITE:.0f}")
    return np.array(image, dtype=np.float64)


def read_feedback(body: Any) -> tuple[str, int, int]:
    """Release, predicted class and true class of a feedback body; BadInputError says what is wrong."""
    if not isinstance(body, dict):
        raise BadInputError("body: a JSON object is needed")
    release, predicted, label = (body.get(key) for key in ("release", "predicted", "label"))
    if not isinstance(release, str) or not _RELEASE.fullmatch(release):
        raise BadInputError("release: the release that answered is needed, such as 1.0.0")
    for key, value in (("predicted", predicted), ("label", label)):
        if isinstance(value, bool) or not isinstance(value, int) or value not in CLASSES:
            raise BadInputError(f"{key}: a class from 0 to 9 is needed")
    return release, int(predicted), int(label)  # type: ignore[arg-type]


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise BadInputError("body: JSON is needed") from error


async def predict(request: Request) -> Response:
    """POST /v1/predict {"image": [64 numbers]} → class, confidence, release, id."""
    model: Model = request.app.state.model
    trace = trace_id(request.headers.get("traceparent"))
    try:
        image = read_image(await _json(request))
    except BadInputError as error:
        model.metrics.request(400, trace)
        return JSONResponse({"error": str(error)}, 400)
    probabilities = model.network.probabilities(decode(image, model.decoder))
    answer = int(probabilities.argmax())
    score = float(probabilities[answer])
    model.metrics.answered(answer, score, float(image.mean()))
    model.metrics.request(200, trace)
    return JSONResponse(
        {"class": answer, "confidence": round(score, 6), "release": model.release, "id": uuid.uuid4().hex}
    )


async def feedback(request: Request) -> Response:
    """POST /v1/feedback {"release", "predicted", "label"}: the true label, whenever it became known."""
    model: Model = request.app.state.model
    try:
        release, predicted, label = read_feedback(await _json(request))
        model.metrics.feedback(release, predicted == label)
    except (BadInputError, TooManyReleasesError) as error:
        return JSONResponse({"error": str(error)}, 400)
    return JSONResponse({"correct": predicted == label})


async def healthz(request: Request) -> Response:
    """Alive: 200 as long as the process answers."""
    return JSONResponse({"release": request.app.state.model.release})


async def readyz(request: Request) -> Response:
    """Ready for new callers: 503 once the server was told to stop."""
    model: Model = request.app.state.model
    return JSONResponse({"release": model.release, "draining": model.draining}, 503 if model.draining else 200)


async def metrics(request: Request) -> Response:
    """GET /metrics in the format that the scraper asked for."""
    body, content_type = request.app.state.model.metrics.page(request.headers.get("accept", ""))
    return Response(body, media_type=None, headers={"content-type": content_type})


class CloseWhileDraining:
    """Asks callers to leave kept-alive connections, so that none is cut under a request."""

    def __init__(self, app: ASGIApp, model: Model) -> None:
        self.app = app
        self.model = model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def closing(message: Message) -> None:
            if self.model.draining and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        await self.app(scope, receive, closing)


Handler = Callable[[Request], Awaitable[Response]]


def build_app(model: Model) -> Starlette:
    """The application that serves `model`."""
    post: list[tuple[str, Handler]] = [("/v1/predict", predict), ("/v1/feedback", feedback)]
    get: list[tuple[str, Handler]] = [("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)]
    routes = [Route(path, handler, methods=["POST"]) for path, handler in post]
    routes += [Route(path, handler) for path, handler in get]
    app = Starlette(routes=routes, middleware=[Middleware(CloseWhileDraining, model=model)])
    app.state.model = model
    return app
