"""The endpoints for machines: liveness, readiness, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from markets.lifecycle import Lifecycle
from markets.services import Services

router = APIRouter()

CHECK_SECONDS = 1.5


@router.get("/api/health")
async def health() -> Response:
    """The process runs and its loop turns. Touches nothing else: a restart would not mend PostgreSQL."""
    return JSONResponse({"status": "ok"})


@router.get("/api/ready")
async def ready(request: Request) -> Response:
    """Whether to send traffic here: PostgreSQL answers, is migrated, and the process is not leaving.

    Redis is reported but does not decide: without it every answer still comes, from PostgreSQL, and taking
    all processes out of service for a lost cache would turn a slow page into no page.
    """
    services = cast(Services, request.app.state.services)
    lifecycle = cast(Lifecycle, request.app.state.lifecycle)
    postgres, redis = await asyncio.gather(_bounded(services.store.check()), _bounded(services.cache.check()))
    good = postgres == "ok" and not lifecycle.leaving
    body = {"status": "ready" if good else "unready", "checks": {"postgres": postgres, "redis": redis}}
    return JSONResponse(body, 200 if good else 503)


async def _bounded(check: Coroutine[Any, Any, str]) -> str:
    try:
        return await asyncio.wait_for(check, CHECK_SECONDS)
    except TimeoutError:
        return "timeout"


@router.get("/metrics")
async def metrics() -> Response:
    """The key figures as Prometheus text."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
