"""What a web process holds while it runs, and the end of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from markets import cache as redis_cache
from markets.cache import Cache
from markets.database import Database
from markets.hub import Hub
from markets.settings import Settings
from markets.store import Store
from markets.visitors import Visitors


@dataclass(frozen=True)
class Services:
    """The connections and what is built on them."""

    database: Database
    store: Store
    cache: Cache
    hub: Hub
    visitors: Visitors

    def start(self) -> None:
        """Begin to connect to PostgreSQL and Redis; returns at once, readiness tells when they are there."""
        self.database.start()
        self.hub.start()

    async def close(self) -> None:
        """Close every connection, in bounded time."""
        await asyncio.gather(self.hub.close(), self.cache.close(), self.database.close())


def build(settings: Settings) -> Services:
    """The services of `settings`; nothing connects yet."""
    database = Database(settings.database_url, "markets-web")
    return Services(
        database=database,
        store=Store(database),
        cache=Cache(redis_cache.connect(settings.redis_url)),
        # A pool of its own: a subscription holds its connection for good.
        hub=Hub(redis_cache.connect(settings.redis_url, connections=2)),
        visitors=Visitors(settings.secret_key),
    )
