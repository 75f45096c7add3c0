"""The WebSocket: a snapshot, then ticks, to each client that keeps up."""

from __future__ import annotations

import asyncio
import json
import time
from typing import cast

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from markets import logs
from markets.database import DatabaseUnavailable
from markets.hub import Client, Hub
from markets.metrics import WEBSOCKET_IN, WEBSOCKET_OUT, WEBSOCKETS_OPEN
from markets.services import Services
from markets.store import Store
from markets.ticks import Tick

log = logs.get("markets.stream")
router = APIRouter()

MESSAGE_MOST = 4096
SYMBOLS_MOST = 100
CLOSE_SECONDS = 0.5

INVALID_DATA = 1007
POLICY_VIOLATION = 1008


class _Refused(Exception):
    """A message that ends the conversation, with its close code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@router.websocket("/ws/ticker")
async def ticker(websocket: WebSocket) -> None:
    """Send the snapshot and the ticks; read subscriptions; close for the first reason that comes up."""
    services = cast(Services, websocket.app.state.services)
    await websocket.accept()
    started = time.perf_counter()
    client = Client()
    await _fill(services.hub, services.store)
    # From here to the snapshot nothing is awaited, so no tick is lost and none is older than the snapshot.
    services.hub.join(client)
    client.offer(services.hub.snapshot(None))
    WEBSOCKETS_OPEN.inc()
    tasks = [
        asyncio.create_task(_send(websocket, client)),
        asyncio.create_task(_receive(websocket, client, services.hub)),
    ]
    code = 0
    try:
        code = await client.ending
    finally:
        services.hub.leave(client)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        WEBSOCKETS_OPEN.dec()
        log.info("websocket", code=code, duration_ms=round((time.perf_counter() - started) * 1000, 1))
    if code:
        await _close(websocket, code)


async def _fill(hub: Hub, store: Store) -> None:
    """Give the hub prices from PostgreSQL when it never heard of any: Redis was away since the start."""
    if hub.latest:
        return
    try:
        markets = await store.markets()
    except DatabaseUnavailable:
        return
    now = int(time.time() * 1000)
    for market in markets:
        tick = Tick(
            type="tick", symbol=market.symbol, price=market.price, change_24h=market.change_24h, time=now
        )
        hub.latest.setdefault(market.symbol, tick)


async def _send(websocket: WebSocket, client: Client) -> None:
    try:
        while True:
            await websocket.send_text(await client.queue.get())
            WEBSOCKET_OUT.inc()
    except WebSocketDisconnect:
        client.end(0)


async def _receive(websocket: WebSocket, client: Client, hub: Hub) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            client.end(0)
            return
        WEBSOCKET_IN.inc()
        try:
            client.wanted = parse_subscription(message.get("text"))
        except _Refused as refused:
            client.end(refused.code)
            return
        if not client.offer(hub.snapshot(client.wanted)):
            client.end(POLICY_VIOLATION)
            return


async def _close(websocket: WebSocket, code: int) -> None:
    try:
        # A client that does not read would block the close frame; the server drops its socket later.
        await asyncio.wait_for(websocket.close(code), CLOSE_SECONDS)
    except (TimeoutError, RuntimeError, WebSocketDisconnect, OSError):
        return


def parse_subscription(text: str | None) -> frozenset[str] | None:
    """The symbols of `{"type": "subscribe", "symbols": [...]}`; None, meaning all, when `symbols` is absent.

    Raises `_Refused` with 1007 for what is not JSON text and 1008 for JSON that is something else.
    """
    if text is None:
        raise _Refused(INVALID_DATA)
    if len(text) > MESSAGE_MOST:
        raise _Refused(POLICY_VIOLATION)
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise _Refused(INVALID_DATA) from None
    if not isinstance(message, dict) or message.get("type") != "subscribe":
        raise _Refused(POLICY_VIOLATION)
    symbols = message.get("symbols")
    if symbols is None:
        return None
    if (
        not isinstance(symbols, list)
        or len(symbols) > SYMBOLS_MOST
        or not all(isinstance(symbol, str) for symbol in symbols)
    ):
        raise _Refused(POLICY_VIOLATION)
    return frozenset(symbols)
