"""Bring the database to this version: `python -m markets.migrate`. Safe to run again, and twice at once."""

from __future__ import annotations

import asyncio
import importlib
import time

import asyncpg

from markets import logs, settings
from markets.database import CONNECT_SECONDS
from markets.schema import HEAD

log = logs.get("markets.migrate")

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.2

# A server that starts, or is out of connections for a moment. A wrong password is not worth waiting for.
_NOT_YET = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)


async def _connect(url: str) -> asyncpg.Connection[asyncpg.Record]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await asyncpg.connect(url, timeout=CONNECT_SECONDS)
        except _NOT_YET:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(PAUSE_SECONDS)


async def current(url: str) -> str | None:
    """The database's revision, None when it has none; waits up to 30 s for the server."""
    connection = await _connect(url)
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return found
    finally:
        await connection.close()


def main() -> int:
    """Migrate; return 0 when this version can use the database, 1 when it could not be reached or changed."""
    logs.configure()
    options = settings.read(("DATABASE_URL",))
    started = time.perf_counter()
    try:
        before = asyncio.run(current(options.database_url))
        if before is not None and before.isdigit() and before > HEAD:
            # After a rollback of the code: migrations only add, so an older version works on a newer schema.
            log.warning("schema_is_newer", revision=before, known=HEAD)
            return 0
        if before != HEAD:
            # Loaded by name and only here: SQLAlchemy and Alembic take most of a second.
            importlib.import_module("markets.upgrade").upgrade(options.database_url)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.error("migration_failed", reason=f"{type(error).__name__}: {error}")
        return 1
    took = round((time.perf_counter() - started) * 1000, 1)
    log.info(
        "migrated" if before != HEAD else "already_migrated", revision=HEAD, before=before, duration_ms=took
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
