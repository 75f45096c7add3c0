"""The web process: `uvicorn markets.main:app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from markets import errors, lifecycle, logs, probes, routes, services, settings, stream
from markets.middleware import Requests


def build(options: settings.Settings) -> Requests:
    """The ASGI application for `options`."""
    life = lifecycle.Lifecycle(options.shutdown_delay)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        held = services.build(options)
        app.state.services = held
        async with life.running(held):
            yield

    app = FastAPI(lifespan=running, openapi_url=None, redirect_slashes=False)
    app.state.lifecycle = life
    for module in (probes, routes, stream):
        app.include_router(module.router)
    errors.install(app)
    return Requests(app, life)


lifecycle.exit_zero_on_sigterm()
logs.configure()
app = build(settings.read(("DATABASE_URL", "REDIS_URL", "SECRET_KEY")))
