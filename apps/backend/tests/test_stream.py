"""The WebSocket: snapshot, fan-out, subscriptions, refusals, slow clients."""

from __future__ import annotations

import json
import os
import socket
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.conftest import Start, Web, tick
from tests.servers import until


def _next(connection: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(connection.recv(timeout=5))
    return found


def close_code(connection: ClientConnection) -> int | None:
    """Read to the end; return the code that the server closed with."""
    try:
        while True:
            connection.recv(timeout=5)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None


def _ready(web: Web, bus: redis.Redis) -> None:
    until(lambda: bus.publish("markets:ticks", tick("WARM-UP", 1.0)), "the web process is subscribed")


def test_a_tick_reaches_every_client_once(web: Web, bus: redis.Redis) -> None:
    _ready(web, bus)
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(web.socket_url)) for _ in range(25)]
        assert {_next(client)["type"] for client in clients} == {"snapshot"}
        assert web.metric("websocket_connections_open") == 25
        assert bus.pubsub_numsub("markets:ticks") == [(b"markets:ticks", 1)]
        bus.publish("markets:ticks", tick("BTC-USD", 64000.5, -1.5))
        bus.publish("markets:ticks", tick("ETH-USD", 3000.0))
        for client in clients:
            first, second = _next(client), _next(client)
            assert set(first) == {"type", "symbol", "price", "change_24h", "time"}
            assert (first["symbol"], first["price"], first["change_24h"]) == ("BTC-USD", 64000.5, -1.5)
            assert second["symbol"] == "ETH-USD"
    until(lambda: web.metric("websocket_connections_open") == 0, "all WebSockets are closed")


def test_the_snapshot_has_the_last_tick(web: Web, bus: redis.Redis) -> None:
    _ready(web, bus)
    bus.publish("markets:ticks", tick("LTC-USD", 77.25))
    until(lambda: 77.25 in _snapshot(web).values(), "the snapshot has the price")


def _snapshot(web: Web) -> dict[str, float]:
    with connect(web.socket_url) as client:
        return {item["symbol"]: item["price"] for item in _next(client)["ticks"]}


def test_a_subscription_narrows_and_widens(web: Web, bus: redis.Redis) -> None:
    _ready(web, bus)
    with connect(web.socket_url) as client:
        _next(client)
        client.send('{"type":"subscribe","symbols":["SOL-USD","NOPE"]}')
        assert {item["symbol"] for item in _next(client)["ticks"]} <= {"SOL-USD"}
        for symbol, price in (("BTC-USD", 1.0), ("SOL-USD", 2.0)):
            bus.publish("markets:ticks", tick(symbol, price))
        assert _next(client)["symbol"] == "SOL-USD"
        client.send('{"type":"subscribe"}')
        assert len(_next(client)["ticks"]) >= 2
        bus.publish("markets:ticks", tick("BTC-USD", 3.0))
        assert _next(client)["price"] == 3.0


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("hello", 1007),
        ("", 1007),
        (b"\x00\xff", 1007),
        ("[" * 4000, 1007),
        ("[]", 1008),
        ("{}", 1008),
        ('{"type":"order"}', 1008),
        ('{"type":"subscribe","symbols":"BTC-USD"}', 1008),
        ('{"type":"subscribe","symbols":[1]}', 1008),
        (json.dumps({"type": "subscribe", "symbols": ["x"] * 101}), 1008),
        (json.dumps({"type": "subscribe", "symbols": ["x" * 5000]}), 1008),
    ],
)
def test_a_bad_message_ends_the_conversation(web: Web, message: str | bytes, code: int) -> None:
    with connect(web.socket_url) as client:
        client.send(message)
        assert close_code(client) == code


def test_ping_is_answered_and_messages_are_counted(web: Web, bus: redis.Redis) -> None:
    _ready(web, bus)
    incoming = web.metric('websocket_messages_total{direction="in"}')
    outgoing = web.metric('websocket_messages_total{direction="out"}')
    with connect(web.socket_url, additional_headers={"X-Request-ID": "socket-1"}) as client:
        assert client.response is not None
        assert client.response.headers["x-request-id"] == "socket-1"
        _next(client)
        assert client.ping().wait(5)
        client.send('{"type":"subscribe"}')
        _next(client)
    assert web.metric('websocket_messages_total{direction="in"}') == incoming + 1
    until(lambda: web.metric('websocket_messages_total{direction="out"}') == outgoing + 2, "both are counted")
    until(lambda: any(line.get("request_id") == "socket-1" for line in web.logged("websocket")), "a log line")


def raw_socket(web: Web) -> socket.socket:
    """A WebSocket whose client never reads: no library in between that would."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", web.port))
    key = os.urandom(16).hex()[:22] + "=="
    head = "GET /ws/ticker HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    client.sendall(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 101"
    return client


def clog(web: Web, bus: redis.Redis) -> None:
    """Publish more than any socket buffer holds."""
    before = web.metric("websocket_slow_clients_total")
    large = tick("X" * 50_000, 1.0)

    def dropped() -> bool:
        for _ in range(20):
            bus.publish("markets:ticks", large)
        return web.metric("websocket_slow_clients_total") > before

    until(dropped, "the slow client is dropped")


def test_a_slow_client_is_dropped_and_harms_nobody(start: Start, bus: redis.Redis) -> None:
    web = start()
    _ready(web, bus)
    with raw_socket(web), connect(web.socket_url) as good:
        good.send('{"type":"subscribe","symbols":["BTC-USD"]}')
        clog(web, bus)
        assert web.metric("websocket_slow_clients_total") == 1
        until(lambda: web.metric("websocket_connections_open") == 1, "only the good client is left")
        bus.publish("markets:ticks", tick("BTC-USD", 9.5))
        until(lambda: _next(good).get("price") == 9.5, "the good client has its tick")
