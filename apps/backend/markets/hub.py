"""One Redis subscription for the whole process, fanned out to its WebSockets."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable
from typing import cast

import redis.asyncio as redis

from markets import logs
from markets.cache import AWAY, LAST_TICKS, TICK_CHANNEL
from markets.metrics import TICKS_RECEIVED, WEBSOCKET_SLOW
from markets.ticks import Tick, parse

log = logs.get("markets.hub")

# Messages a client may be behind: about 16 s of all markets, on top of the socket's own buffers.
QUEUE_MOST = 64
SILENCE_SECONDS = 5.0
SILENCES_MOST = 3
BACKOFF_FIRST, BACKOFF_MOST = 0.1, 2.0

SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013


class Client:
    """One WebSocket's end of the hub: what it wants, what waits for it, and why it ends."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_MOST)
        self.wanted: frozenset[str] | None = None
        self.ending: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def offer(self, text: str) -> bool:
        """Queue a message; return False when the client is too far behind."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            return False
        return True

    def end(self, code: int) -> None:
        """Ask to close the WebSocket with `code`; 0 when it is already gone. The first reason counts."""
        if not self.ending.done():
            self.ending.set_result(code)


class Hub:
    """Holds the subscription, the last tick of each symbol and the clients."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._clients: set[Client] = set()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.latest: dict[str, Tick] = {}

    def start(self) -> None:
        """Subscribe in the background, for as long as the process lives."""
        self._task = asyncio.create_task(self._stay_subscribed(), name="ticks-subscription")

    def join(self, client: Client) -> None:
        """Let `client` take part; at shutdown it is told to end at once."""
        self._clients.add(client)
        if self._closing:
            client.end(SERVICE_RESTART)

    def leave(self, client: Client) -> None:
        """Forget `client`."""
        self._clients.discard(client)

    def dismiss(self) -> None:
        """Close every WebSocket, and those that still come, with 1012."""
        self._closing = True
        for client in self._clients:
            client.end(SERVICE_RESTART)

    def snapshot(self, wanted: frozenset[str] | None) -> str:
        """The last tick of each wanted symbol as one message."""
        ticks = [tick for symbol, tick in self.latest.items() if wanted is None or symbol in wanted]
        return json.dumps({"type": "snapshot", "ticks": ticks}, separators=(",", ":"))

    async def close(self) -> None:
        """End the subscription."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _stay_subscribed(self) -> None:
        pause = BACKOFF_FIRST
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(TICK_CHANNEL)
                    self._remember(cast(dict[bytes, bytes], await self._redis.hgetall(LAST_TICKS)).values())
                    log.info("ticks_subscribed")
                    pause = BACKOFF_FIRST
                    await self._listen(subscription)
            except AWAY as error:
                log.warning("ticks_lost", reason=type(error).__name__, retry_seconds=round(pause, 1))
            # Spread out: all web processes lose Redis at the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(pause * 2, BACKOFF_MOST)

    async def _listen(self, subscription: redis.client.PubSub) -> None:
        silences = 0
        while silences < SILENCES_MOST:
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=SILENCE_SECONDS)
            if message is None:
                # A half-open connection looks like a market where nothing happens; only an answer tells.
                silences += 1
                await subscription.ping()
                continue
            silences = 0
            if message["type"] == "message":
                self._deliver(message["data"])
        log.warning("ticks_silent")

    def _remember(self, values: Iterable[bytes]) -> None:
        for value in values:
            last = parse(value)
            if last is not None:
                self.latest[last.tick["symbol"]] = last.tick

    def _deliver(self, data: bytes) -> None:
        last = parse(data)
        if last is None:
            return
        tick = last.tick
        TICKS_RECEIVED.inc()
        self.latest[tick["symbol"]] = tick
        text = json.dumps(tick, separators=(",", ":"))
        for client in list(self._clients):
            if client.wanted is not None and tick["symbol"] not in client.wanted:
                continue
            if not client.offer(text) and not client.ending.done():
                WEBSOCKET_SLOW.inc()
                client.end(TRY_AGAIN_LATER)
