"""What happens to every request: an identity, a measurement, a log line, and bookkeeping for the drain."""

from __future__ import annotations

import asyncio
import re
import time
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from markets import errors, logs
from markets.lifecycle import Lifecycle
from markets.metrics import ERRORS, REQUEST_SECONDS, REQUESTS_OPEN

log = logs.get("markets.requests")

WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,128}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked every second by machines: only their failures are worth a line.
QUIET = frozenset({"/api/health", "/api/ready", "/metrics"})
PATH_MOST = 256


class Requests:
    """Wraps the whole application, error pages included, so that every response passes here."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        identity = _identity(scope)
        logs.request_id.set(identity)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — always so inside a coroutine
        self._lifecycle.tasks.add(task)
        try:
            if scope["type"] == "websocket":
                await self._websocket(scope, receive, send, identity)
            else:
                await self._http(scope, receive, send, identity)
        finally:
            self._lifecycle.tasks.discard(task)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, identity: str) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", identity.encode())]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except asyncio.CancelledError:
            # At the deadline of the drain: the server closes the connection next.
            if not self._lifecycle.leaving:
                raise

    async def _http(self, scope: Scope, receive: Receive, send: Send, identity: str) -> None:
        started = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *self._headers(message, identity)]
            await send(message)

        REQUESTS_OPEN.inc()
        try:
            await self._app(scope, receive, answer)
        except asyncio.CancelledError:
            if not self._lifecycle.leaving or status:
                raise
            await errors.response(503, "The server is restarting.")(scope, receive, answer)
        finally:
            REQUESTS_OPEN.dec()
            _record(scope, status or 500, time.perf_counter() - started)

    def _headers(self, message: Message, identity: str) -> list[tuple[bytes, bytes]]:
        present = {name for name, _ in message["headers"]}
        headers = [(b"x-request-id", identity.encode())]
        if b"cache-control" not in present:
            headers.append((b"cache-control", b"no-store"))
        if self._lifecycle.leaving:
            # The balancer then takes its next request elsewhere instead of finding this socket closed.
            headers.append((b"connection", b"close"))
        return headers


def _identity(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and WELL_FORMED.fullmatch(value):
            return str(value, "ascii")
    return uuid.uuid4().hex


def _record(scope: Scope, status: int, seconds: float) -> None:
    # The template, never the path: a label made from what users write has no end.
    route = getattr(scope.get("route"), "path", None) or "unmatched"
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    labels = (method, route, str(status))
    REQUEST_SECONDS.labels(*labels).observe(seconds)
    if status >= 500:
        ERRORS.labels(*labels).inc()
    if route in QUIET and status < 400:
        return
    write = log.error if status >= 500 else log.info
    write(
        "request",
        method=method,
        route=route,
        path=scope["path"][:PATH_MOST],
        status=status,
        duration_ms=round(seconds * 1000, 2),
    )
