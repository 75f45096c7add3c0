"""Running Alembic; imported by `markets.migrate` alone, and only when there is something to do."""

from __future__ import annotations

import asyncio
import logging

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from markets.schema import MIGRATIONS

# Any number, the same for ever: who holds it migrates, everybody else waits.
LOCK = 0x6D61726B657473


def upgrade(url: str) -> None:
    """Run every missing migration in one transaction, alone.

    Raises `asyncpg.PostgresError` when one fails; then nothing is changed.
    """
    try:
        asyncio.run(_upgrade(url))
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        raise asyncpg.PostgresError(str(cause or error.orig or error)) from error


async def _upgrade(url: str) -> None:
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(url)

    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=connect)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


def _run(connection: Connection) -> None:
    connection.execute(text("SET LOCAL lock_timeout = '30s'"))
    # Until the end of the transaction. Alembic reads the version after it: a second run finds the work done.
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    # It announces each of its plug-ins.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
