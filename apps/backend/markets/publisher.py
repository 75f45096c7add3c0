"""Ticks into Redis: published to whoever listens, and kept as the last price of each market."""

from __future__ import annotations

import asyncio
import json

import redis.asyncio as redis

from markets import logs
from markets.cache import AWAY, LAST_TICKS, TICK_CHANNEL
from markets.metrics import TICKS_UNPUBLISHED
from markets.recorder import Quote

log = logs.get("markets.publisher")

BACKOFF_FIRST, BACKOFF_MOST = 0.1, 2.0


class Publisher:
    """Takes ticks without ever waiting; while Redis is away only the newest of each market is kept for it."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._waiting: dict[str, tuple[str, str]] = {}
        self._wake = asyncio.Event()

    def offer(self, quote: Quote, milliseconds: int) -> None:
        """Have a tick of that Unix time published."""
        figures = {
            "symbol": quote.symbol,
            "price": quote.price,
            "change_24h": quote.change_24h,
            "time": milliseconds,
        }
        if quote.symbol in self._waiting:
            TICKS_UNPUBLISHED.inc()
        self._waiting[quote.symbol] = (
            json.dumps({"type": "tick", **figures}, separators=(",", ":")),
            json.dumps({**figures, "volume_24h": quote.volume_24h}, separators=(",", ":")),
        )
        self._wake.set()

    async def run(self) -> None:
        """Publish for ever; come back with back-off when Redis was away."""
        pause = 0.0
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._publish()
            except AWAY as error:
                pause = min(max(pause * 2, BACKOFF_FIRST), BACKOFF_MOST)
                log.warning("redis_unreachable", reason=type(error).__name__, retry_seconds=pause)
                await asyncio.sleep(pause)
                self._wake.set()
                continue
            if pause:
                log.info("redis_connected")
            pause = 0.0

    async def _publish(self) -> None:
        batch = dict(self._waiting)
        pipeline = self._redis.pipeline(transaction=False)
        for symbol, (tick, last) in batch.items():
            pipeline.hset(LAST_TICKS, symbol, last)
            pipeline.publish(TICK_CHANNEL, tick)
        await pipeline.execute()
        for symbol, pair in batch.items():
            if self._waiting.get(symbol) is pair:
                del self._waiting[symbol]

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()
