"""Everything asked of PostgreSQL by the web process: markets, candles, watchlists."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from markets.database import Database, DatabaseUnavailable

CATALOGUE_SECONDS = 30.0

_MARKETS = "SELECT symbol, name, decimals, price, change_24h, volume_24h FROM markets ORDER BY position"
_CANDLES = """
SELECT extract(epoch FROM opened_at)::bigint AS time, open, high, low, close, volume
FROM candles WHERE symbol = $1 AND interval = $2 ORDER BY opened_at DESC LIMIT $3
"""
_WATCHLIST = "SELECT symbol FROM watchlist WHERE visitor = $1 ORDER BY added_at, symbol"
_WATCH = "INSERT INTO watchlist (visitor, symbol) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_UNWATCH = "DELETE FROM watchlist WHERE visitor = $1 AND symbol = $2"
_READY = "SELECT to_regclass('watchlist') IS NOT NULL AS migrated"


@dataclass(frozen=True)
class Market:
    """A market with the figures PostgreSQL last heard of; Redis may know newer ones."""

    symbol: str
    name: str
    decimals: int
    price: float
    change_24h: float
    volume_24h: float


class Store:
    """The queries. Each raises `DatabaseUnavailable` when PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalogue: dict[str, Market] = {}
        self._read_at = float("-inf")

    async def markets(self) -> list[Market]:
        """All markets, read afresh, in their order of display."""
        rows = await self._database.fetch("markets", _MARKETS)
        self._catalogue = {row["symbol"]: Market(**dict(row)) for row in rows}
        self._read_at = time.monotonic()
        return list(self._catalogue.values())

    async def catalogue(self) -> dict[str, Market]:
        """The markets by symbol; they change seldom, so a copy is kept; an old one serves in an outage."""
        if time.monotonic() - self._read_at > CATALOGUE_SECONDS or not self._catalogue:
            try:
                await self.markets()
            except DatabaseUnavailable:
                if not self._catalogue:
                    raise
        return self._catalogue

    async def candles(self, symbol: str, interval: str, limit: int) -> list[dict[str, float]]:
        """The newest `limit` candles, oldest first; `time` in Unix seconds."""
        rows = await self._database.fetch("candles", _CANDLES, symbol, interval, limit)
        return [dict(row) for row in reversed(rows)]

    async def watchlist(self, visitor: uuid.UUID) -> list[str]:
        """The symbols of `visitor`, in the order they were added."""
        return [row["symbol"] for row in await self._database.fetch("watchlist", _WATCHLIST, visitor)]

    async def watch(self, visitor: uuid.UUID, symbol: str) -> None:
        """Add `symbol`, which must exist; nothing happens when it is there."""
        await self._database.execute("watch", _WATCH, visitor, symbol)

    async def unwatch(self, visitor: uuid.UUID, symbol: str) -> None:
        """Remove `symbol`; nothing happens when it is not there."""
        await self._database.execute("unwatch", _UNWATCH, visitor, symbol)

    async def check(self) -> str:
        """ "ok", or what is wrong, in a few words."""
        try:
            rows = await self._database.fetch("ready", _READY)
        except DatabaseUnavailable as error:
            return str(error)
        return "ok" if rows[0]["migrated"] else "not migrated"
