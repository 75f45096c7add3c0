"""Reloads under load: raw keep-alive connections that never repeat a request, and a WebSocket across them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lokifi.kit.files import ensure_dir
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
    """Twenty reloads, the last two with a WebSocket; the tally of all clients, and how many requests reached the services."""
    tally, over = Tally(), asyncio.Event()
    async with edge.copies() as copies:
        targets = ["/api/x", "/assets/plain.js"] * (CLIENTS // 2)
        clients = [asyncio.create_task(client(edge, tally, over, target, pause)) for target in targets]
        for _ in range(RELOADS - 2):
            await reload(edge, tally)
        async with connection(edge.port) as (reader, writer):
            writer.write(request("GET", "/ws", HOST, **UPGRADE))
            assert (await read(reader)).status == 101
            for _ in range(2):
                await reload(edge, tally)
            writer.write(b"ping")
            assert await asyncio.wait_for(reader.readexactly(4), 5) == b"ping"
        over.set()
        await asyncio.gather(*clients)
        return tally, sum(len(copy.requests) for copy in copies) - 1


async def reload(edge: Edge, tally: Tally) -> None:
    """Reload as the runtime does, and see the new workers serve."""
    before = tally.served
    await asyncio.to_thread(edge.replace)
    async with asyncio.timeout(10):
        while tally.served < before + 5 * CLIENTS:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("pause", [0.0, 0.016], ids=["without a pause", "500 a second"])
def test_twenty_reloads_lose_no_request_and_repeat_none(
    edge: Edge, pause: float, record_property: Callable[[str, object], None]
) -> None:
    """Old workers close idle connections at once, and a request that crosses such a close is lost: so they are asked to
    leave first, and end each connection with an answer that says so."""
    tally, reached = asyncio.run(load(edge, pause))
    record_property("tally", str(tally))
    print(tally)
    assert (tally.wrong, tally.torn, tally.lost) == (0, 0, 0)
    assert tally.from_service == reached


@pytest.mark.parametrize("path", ["/api/a%2Fb%3Fc%20d/%0Ae?x=%20y&z=1", "/api/x?", "/api/a//b/./c", "/api"])
def test_a_leaving_worker_passes_every_path_on_as_it_came_and_closes(edge: Edge, path: str) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            assert (await edge.ask(path)).get("connection") != "close"
            for worker in edge.workers():
                (ensure_dir(Path(edge.stack.parts["edge"].leaving)) / str(worker)).touch()
            assert (await edge.ask(path)).get("connection") == "close"
            found = [sent for copy in copies for sent in copy.requests]
            assert len(found) == 2
            assert {sent.path for sent in found} == {path}

    asyncio.run(scenario())


def test_nobody_can_ask_for_the_passage_of_leaving_workers(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            assert (await edge.ask("/-leaving-/api/x")).status == 404
            assert not any(copy.requests for copy in copies)

    asyncio.run(scenario())
