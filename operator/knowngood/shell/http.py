"""The operator's own port: /healthz, /readyz and /metrics."""

import asyncio
from collections.abc import Callable

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

Problem = Callable[[], str]


def application(unhealthy: Problem, unready: Problem) -> Starlette:
    """The application; each callable returns an empty string where all is well."""

    def probe(problem: Problem) -> Callable[[Request], Response]:
        def answer(_: Request) -> Response:
            text = problem()
            return PlainTextResponse(text or "ok", status_code=503 if text else 200)

        return answer

    def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/healthz", probe(unhealthy)),
            Route("/readyz", probe(unready)),
            Route("/metrics", metrics),
        ]
    )


async def serve(app: Starlette, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve until ``stop``."""
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    await stop.wait()
    server.should_exit = True
    await task
