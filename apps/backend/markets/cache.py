"""Redis as a cache and as the place of the latest prices: quick, and never needed for an answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import TypeVar, cast

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from markets.metrics import CACHE_ERRORS

CONNECT_SECONDS = 0.5
COMMAND_SECONDS = 0.5
CONNECTIONS_MOST = 20
# After a failure Redis is left alone for this long: requests then do not wait for a time-out each.
REST_SECONDS = 0.5

AWAY = (RedisError, OSError, TimeoutError)

LAST_TICKS = "markets:last"
TICK_CHANNEL = "markets:ticks"

T = TypeVar("T")


def connect(url: str, connections: int = CONNECTIONS_MOST) -> redis.Redis:
    """A client with short time-outs and one immediate retry, for a pooled connection that has died."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=COMMAND_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=COMMAND_SECONDS,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1),
    )
    return redis.Redis(connection_pool=pool)


class Cache:
    """Reads and writes that answer None instead of failing."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._rest_until = 0.0

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none or Redis is away."""
        if not self._awake():
            return None
        return cast("bytes | None", await self._try(self._client.get(key)))

    async def put(self, key: str, value: bytes, seconds: int) -> None:
        """Keep `value` for `seconds`, if Redis is there."""
        if self._awake():
            await self._try(self._client.set(key, value, ex=seconds))

    async def last_ticks(self) -> dict[bytes, bytes]:
        """The last tick of each symbol as the ticker wrote it; empty when Redis is away."""
        if not self._awake():
            return {}
        return cast(dict[bytes, bytes], await self._try(self._client.hgetall(LAST_TICKS)) or {})

    async def check(self) -> str:
        """ "ok", or what is wrong, in one word."""
        try:
            await self._client.ping()
        except AWAY as error:
            return type(error).__name__
        return "ok"

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    def _awake(self) -> bool:
        if time.monotonic() >= self._rest_until:
            return True
        CACHE_ERRORS.inc()
        return False

    async def _try(self, answer: Awaitable[T]) -> T | None:
        try:
            return await answer
        except AWAY:
            CACHE_ERRORS.inc()
            self._rest_until = time.monotonic() + REST_SECONDS
            return None
