"""PostgreSQL: one small pool that connects in the background and comes back by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import asyncpg

from markets import logs
from markets.metrics import QUERY_ERRORS, QUERY_SECONDS

log = logs.get("markets.database")

POOL_MIN, POOL_MAX = 1, 10
CONNECT_SECONDS = 3.0
ACQUIRE_SECONDS = 1.0
STATEMENT_MILLISECONDS = 2000
# Above the server's own limit: the server's error is the clearer one; this catches a server that went silent.
COMMAND_SECONDS = 2.5
BACKOFF_FIRST, BACKOFF_MOST = 0.1, 2.0

# What a connection or a server that goes away looks like. Errors of the SQL itself are not among them.
AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,
)
# What an ended session looks like; the internal error is the end arriving between two messages.
_LOST = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
)

T = TypeVar("T")


class DatabaseUnavailable(Exception):
    """PostgreSQL is away, starting, overloaded or not migrated: worth trying again, not a bug."""


class Database:
    """A pool; `fetch` and `execute` name each query for the metrics and bind every parameter."""

    def __init__(
        self, url: str, application_name: str, statement_milliseconds: int = STATEMENT_MILLISECONDS
    ) -> None:
        self._url = url
        self._application_name = application_name
        self._statement_milliseconds = statement_milliseconds
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()

    def start(self) -> None:
        """Begin to connect; returns at once. Until it is done queries raise `DatabaseUnavailable`."""
        self._connecting = asyncio.create_task(self._connect(), name="postgres-connect")

    async def _connect(self) -> None:
        pause = BACKOFF_FIRST
        while True:
            try:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=POOL_MIN,
                    max_size=POOL_MAX,
                    timeout=CONNECT_SECONDS,
                    command_timeout=max(COMMAND_SECONDS, self._statement_milliseconds / 1000 + 0.5),
                    max_inactive_connection_lifetime=60.0,
                    server_settings={
                        "application_name": self._application_name,
                        "statement_timeout": str(self._statement_milliseconds),
                        "idle_in_transaction_session_timeout": "10000",
                        # Compiling costs more than these short queries take.
                        "jit": "off",
                    },
                )
            except AWAY as error:
                log.warning(
                    "postgres_unreachable", reason=type(error).__name__, retry_seconds=round(pause, 1)
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACKOFF_MOST)
            else:
                self._connected.set()
                log.info("postgres_connected")
                return

    async def wait_connected(self, seconds: float) -> bool:
        """Wait up to `seconds` for the first connection; return whether there is one."""
        try:
            await asyncio.wait_for(self._connected.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def fetch(self, query: str, sql: str, *values: object) -> list[asyncpg.Record]:
        """Run `sql` and return its rows; `query` is its name in the metrics. Raises `DatabaseUnavailable`."""
        return await self.run(query, lambda connection: connection.fetch(sql, *values))

    async def execute(self, query: str, sql: str, *values: object) -> None:
        """Run `sql` for its effect. Raises `DatabaseUnavailable`."""
        await self.run(query, lambda connection: connection.execute(sql, *values))

    async def run(
        self, query: str, work: Callable[[asyncpg.pool.PoolConnectionProxy[Any]], Coroutine[Any, Any, T]]
    ) -> T:
        """Run `work` on a connection, once more if that connection proves dead. Raises `DatabaseUnavailable`.

        Every statement here is idempotent, so a second try is safe: after a crash the server ends all
        sessions, and the pool learns of it only by using them.
        """
        started = time.perf_counter()
        try:
            try:
                return await self._once(work)
            except _LOST:
                if self._pool is not None:
                    # The others ended with it: the second try must not meet one of them.
                    await self._pool.expire_connections()
                return await self._once(work)
        except AWAY as error:
            QUERY_ERRORS.labels(query).inc()
            raise DatabaseUnavailable(type(error).__name__) from error
        finally:
            QUERY_SECONDS.labels(query).observe(time.perf_counter() - started)

    async def _once(
        self, work: Callable[[asyncpg.pool.PoolConnectionProxy[Any]], Coroutine[Any, Any, T]]
    ) -> T:
        if self._pool is None:
            raise DatabaseUnavailable("not connected")
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            return await work(connection)

    async def close(self, seconds: float = 0.5) -> None:
        """Close the pool; cut what is still running after `seconds`."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), seconds)
        except AWAY:
            self._pool.terminate()
        self._pool = None
