"""The ticker's side of PostgreSQL: markets in, candles and latest prices out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from markets.database import Database
from markets.folding import Folder, Key
from markets.history import INTERVALS, history
from markets.prices import Bar, Character

# Any number but the migration's: only one ticker makes the history.
SEED_LOCK = 0x7365656473
COLUMNS = ("symbol", "interval", "opened_at", "open", "high", "low", "close", "volume")

_MARKETS = (
    "SELECT symbol, decimals, base_price, volatility, base_volume, price FROM markets ORDER BY position"
)
_CURRENT = """
SELECT symbol, interval, extract(epoch FROM opened_at)::bigint AS time, open, high, low, close, volume
FROM candles JOIN unnest($1::text[], $2::timestamptz[]) AS current (interval, opened_at)
USING (interval, opened_at)
"""
_DAY = """
SELECT symbol, (array_agg(open ORDER BY opened_at))[1] AS open, sum(volume) AS volume
FROM candles WHERE interval = '5m' AND opened_at > now() - interval '24 hours' GROUP BY symbol
"""
# Greatest and least, so that two tickers at once (a rolling restart) do not undo each other's extremes.
_UPSERT = """
INSERT INTO candles AS old (symbol, interval, opened_at, open, high, low, close, volume)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::float8[], $5::float8[], $6::float8[],
                     $7::float8[], $8::float8[])
ON CONFLICT (symbol, interval, opened_at) DO UPDATE SET
    high = greatest(old.high, excluded.high), low = least(old.low, excluded.low),
    close = excluded.close, volume = excluded.volume
"""
_PRICES = """
UPDATE markets SET
    price = new.price, change_24h = new.change_24h, volume_24h = new.volume_24h, updated_at = now()
FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[])
    AS new (symbol, price, change_24h, volume_24h)
WHERE markets.symbol = new.symbol
"""
# What the API can show (1000 bars) and the 24-hour figures need, with room to spare; days are kept for ever.
_PRUNE = """
DELETE FROM candles WHERE (interval = '1m' AND opened_at < now() - interval '2 days')
    OR (interval = '5m' AND opened_at < now() - interval '7 days')
    OR (interval = '1h' AND opened_at < now() - interval '90 days')
"""


@dataclass(frozen=True)
class Quote:
    """A market's figures at one moment."""

    symbol: str
    price: float
    change_24h: float
    volume_24h: float


class Recorder:
    """The queries. Each raises `DatabaseUnavailable` when PostgreSQL is away or not migrated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for the first connection; return whether there is one."""
        return await self._database.wait_connected(seconds)

    async def markets(self) -> list[tuple[Character, float]]:
        """Each market's character and last price."""
        found = []
        for row in await self._database.fetch("ticker_markets", _MARKETS):
            values = dict(row)
            price = values.pop("price")
            found.append((Character(**values), price))
        return found

    async def seed(self, markets: list[tuple[Character, float]], now: int) -> int:
        """Write a history if there is no candle at all; return the number of candles written."""

        async def work(connection: asyncpg.pool.PoolConnectionProxy[Any]) -> int:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", SEED_LOCK)
                if await connection.fetchval("SELECT EXISTS (SELECT FROM candles)"):
                    return 0
                rows = [
                    _row((character.symbol, interval, bar.time), bar)
                    for character, _ in markets
                    for interval, bars in history(character, now).items()
                    for bar in bars
                ]
                await connection.copy_records_to_table("candles", records=rows, columns=COLUMNS)
                return len(rows)

        written = await self._database.run("ticker_seed", work)
        if written:
            # Without statistics the first queries would be planned for an empty table.
            await self._database.execute("ticker_analyze", "ANALYZE candles")
        return written

    async def resume(self, folder: Folder, now: int) -> None:
        """Give `folder` the candles that are open at `now`."""
        moments = [_moment(now // seconds * seconds) for seconds in INTERVALS.values()]
        for row in await self._database.fetch("ticker_current", _CURRENT, list(INTERVALS), moments):
            values = dict(row)
            folder.resume(values.pop("symbol"), values.pop("interval"), Bar(**values))

    async def day(self) -> dict[str, tuple[float, float]]:
        """The price 24 hours ago and the volume since, by symbol."""
        rows = await self._database.fetch("ticker_day", _DAY)
        return {row["symbol"]: (row["open"], row["volume"]) for row in rows}

    async def keep(self, candles: dict[Key, Bar], quotes: list[Quote]) -> None:
        """Write candles and latest figures."""
        if candles:
            columns = zip(*(_row(key, bar) for key, bar in candles.items()), strict=True)
            await self._database.execute("ticker_candles", _UPSERT, *(list(column) for column in columns))
        if quotes:
            await self._database.execute(
                "ticker_prices",
                _PRICES,
                [quote.symbol for quote in quotes],
                [quote.price for quote in quotes],
                [quote.change_24h for quote in quotes],
                [quote.volume_24h for quote in quotes],
            )

    async def prune(self) -> None:
        """Delete candles that nothing can show any more."""
        await self._database.execute("ticker_prune", _PRUNE)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _row(key: Key, bar: Bar) -> tuple[str, str, datetime, float, float, float, float, float]:
    return (key[0], key[1], _moment(key[2]), bar.open, bar.high, bar.low, bar.close, bar.volume)
