"""Reloads under load: raw keep-alive connections that never repeat a request, and a WebSocket across them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.targets.nginx.conftest import HOST, Edge
from tests.targets.nginx.test_edge import UPGRADE
from tests.targets.nginx.upstream import connection, read, request

pytestmark = pytest.mark.engine
CLIENTS = 8
RELOADS = 20


@dataclass
class Tally:
    """What happened to the requests: `lost` got no byte of an answer, `torn` a part of one."""

    served: int = 0
    from_service: int = 0
    lost: int = 0
    torn: int = 0
    wrong: int = 0


async def client(edge: Edge, tally: Tally, over: asyncio.Event, target: str, pause: float) -> None:
    """Requests on a kept connection; a close that is announced, or seen before a request, is heeded."""
    while not over.is_set():
        async with connection(edge.port) as (reader, writer):
            while not over.is_set() and not reader.at_eof():
                writer.write(request("GET", target, HOST))
                try:
                    answer = await asyncio.wait_for(read(reader), 10)
                except (asyncio.IncompleteReadError, ConnectionError) as error:
                    part = getattr(error, "partial", b"")
                    tally.torn, tally.lost = tally.torn + bool(part), tally.lost + (not part)
                    break
                tally.served += answer.status == 200
                tally.wrong += answer.status != 200
                tally.from_service += target.startswith("/api")
                if answer.get("connection") == "close":
                    break
                await asyncio.sleep(pause)


async def load(edge: Edge, pause: float) -> tuple[Tally, int]:
    """Twenty reloads; the tally of all clients, and the number of requests that reached the services."""
    tally, over = Tally(), asyncio.Event()
    async with edge.copies() as copies, connection(edge.port) as (reader, writer):
        writer.write(request("GET", "/ws", HOST, **UPGRADE))
        assert (await read(reader)).status == 101
        targets = ["/api/x", "/assets/plain.js"] * (CLIENTS // 2)
        clients = [asyncio.create_task(client(edge, tally, over, target, pause)) for target in targets]
        for _ in range(RELOADS):
            before = tally.served
            await asyncio.to_thread(edge.reload)
            async with asyncio.timeout(10):
                while tally.served < before + 5 * CLIENTS:
                    await asyncio.sleep(0.001)
        writer.write(b"ping")
        assert await asyncio.wait_for(reader.readexactly(4), 5) == b"ping"
        over.set()
        await asyncio.gather(*clients)
        return tally, sum(len(copy.requests) for copy in copies) - 1


@pytest.mark.parametrize("pause", [0.0, 0.016], ids=["without a pause", "500 a second"])
def test_twenty_reloads_tear_no_answer_and_repeat_no_request(
    edge: Edge, pause: float, record_property: Callable[[str, object], None]
) -> None:
    """An old worker closes connections on which nothing has been asked; a request that crosses such a close is lost.

    It has not been read then, let alone passed on, so that a client may send it again, as RFC 9112 §9.3.1 asks of it.
    (`keepalive_min_timeout` of nginx 1.27.4 ends that; older versions refuse the directive.)
    """
    tally, reached = asyncio.run(load(edge, pause))
    record_property("tally", str(tally))
    print(tally)
    assert (tally.wrong, tally.torn) == (0, 0)
    assert tally.from_service == reached
    assert tally.lost <= RELOADS * CLIENTS
