"""The worker that makes the prices: `python -m markets.ticker`."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from random import Random

from markets import cache, logs, settings
from markets.database import Database, DatabaseUnavailable
from markets.folding import Folder
from markets.metrics import LAST_TICK, TICKS
from markets.prices import Character, step, volume
from markets.probe_server import ProbeServer
from markets.publisher import Publisher
from markets.recorder import Quote, Recorder

log = logs.get("markets.ticker")

# Seconds between ticks, over all markets: four a second, not quite regular.
PAUSE_LEAST, PAUSE_MOST = 0.15, 0.35
KEEP_SECONDS = 1.0
DAY_SECONDS = 60.0
PRUNE_SECONDS = 3600.0
STALE_SECONDS = 10.0
RETRY_FIRST, RETRY_MOST = 0.1, 2.0
LEAVE_SECONDS = 4.0
"""Seconds from the signal to the end, at most."""
CANCEL_AGAIN = 0.2
"""Seconds until work that has not ended is told once more."""
LAST_WORDS_SECONDS = 2.0
STATEMENT_MILLISECONDS = 10_000
# A market is not moved by more than this at once, however long the process was suspended.
STEP_SECONDS_MOST = 60.0


class Ticker:
    """Makes a tick, hands it to the publisher and the folder, and lets the recorder keep the candles."""

    def __init__(self, recorder: Recorder, publisher: Publisher) -> None:
        self._recorder = recorder
        self._publisher = publisher
        self._folder = Folder()
        self._rng = Random()  # noqa: S311 — prices, not secrets
        self._prices: dict[str, float] = {}
        self._day: dict[str, tuple[float, float]] = {}
        self._quotes: dict[str, Quote] = {}
        self._alive_at = time.monotonic()

    def healthy(self) -> bool:
        """Whether a tick was made in the last ten seconds (or the process is younger than that)."""
        return time.monotonic() - self._alive_at < STALE_SECONDS

    async def run(self) -> None:
        """Prepare, then tick and keep for ever."""
        characters = await self._prepare()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publisher.run())
            group.create_task(self._keep())
            group.create_task(self._refresh())
            group.create_task(self._tick(characters))

    async def last_words(self) -> None:
        """Keep what is not kept yet, if PostgreSQL is there."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._recorder.keep(self._folder.take(), list(self._quotes.values()))
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning("last_candles_lost", reason=str(error) or type(error).__name__)

    async def _prepare(self) -> list[Character]:
        pause = RETRY_FIRST
        while True:
            await self._recorder.wait(RETRY_MOST)
            try:
                markets = await self._recorder.markets()
                started = time.perf_counter()
                now = int(time.time())
                written = await self._recorder.seed(markets, now)
                if written:
                    took = round((time.perf_counter() - started) * 1000, 1)
                    log.info("history_made", candles=written, duration_ms=took)
                await self._recorder.resume(self._folder, now)
                self._day = await self._recorder.day()
            except DatabaseUnavailable as error:
                log.warning("waiting_for_database", reason=str(error), retry_seconds=round(pause, 1))
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_MOST)
            else:
                self._prices = {character.symbol: price for character, price in markets}
                log.info("ticking", markets=len(markets))
                return [character for character, _ in markets]

    async def _tick(self, characters: list[Character]) -> None:
        moved_at = dict.fromkeys(self._prices, time.monotonic())
        while True:
            # Every market once a round, in a new order each time.
            for character in self._rng.sample(characters, len(characters)):
                at = time.monotonic()
                seconds = min(max(at - moved_at[character.symbol], PAUSE_LEAST), STEP_SECONDS_MOST)
                moved_at[character.symbol] = at
                self._move(character, seconds, time.time())
                self._alive_at = at
                await asyncio.sleep(self._rng.uniform(PAUSE_LEAST, PAUSE_MOST))

    def _move(self, character: Character, seconds: float, now: float) -> None:
        symbol = character.symbol
        self._prices[symbol] = step(character, self._prices[symbol], seconds, self._rng)
        price = round(self._prices[symbol], character.decimals)
        traded = volume(character, seconds, self._rng)
        opening, volume_24h = self._day.get(symbol, (price, 0.0))
        self._day[symbol] = (opening, volume_24h + traded)
        quote = Quote(symbol, price, round((price / opening - 1) * 100, 2), round(volume_24h + traded, 2))
        self._quotes[symbol] = quote
        self._folder.add(symbol, price, traded, now)
        self._publisher.offer(quote, int(now * 1000))
        TICKS.labels(symbol).inc()
        LAST_TICK.set(now)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            candles = self._folder.take()
            try:
                await self._recorder.keep(candles, list(self._quotes.values()))
            except DatabaseUnavailable as error:
                self._folder.give_back(candles)
                log.warning("candles_waiting", reason=str(error))

    async def _refresh(self) -> None:
        pruned_at = time.monotonic() - PRUNE_SECONDS
        while True:
            await asyncio.sleep(DAY_SECONDS)
            try:
                self._day.update(await self._recorder.day())
                if time.monotonic() - pruned_at > PRUNE_SECONDS:
                    await self._recorder.prune()
                    pruned_at = time.monotonic()
            except DatabaseUnavailable as error:
                log.warning("day_figures_old", reason=str(error))


async def serve(options: settings.Settings) -> None:
    """Run until SIGTERM or SIGINT, then keep the last candles and leave."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = Database(options.database_url, "markets-ticker", STATEMENT_MILLISECONDS)
    publisher = Publisher(cache.connect(options.redis_url, connections=2))
    ticker = Ticker(Recorder(database), publisher)
    server = None
    if options.port is not None:
        server = await ProbeServer(ticker.healthy).start(options.host, options.port)
    database.start()
    work = asyncio.create_task(ticker.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    # Whatever a connection still waits for: this process ends in time, before it is killed.
    asyncio.get_running_loop().call_later(LEAVE_SECONDS, _leave)
    if server is not None:
        server.close()
    if work.done():
        work.result()
    while not work.done():
        # Again until it heeds, and each task by itself: before Python 3.12 a wait_for inside may swallow a cancellation that
        # meets its result, and a group that is being cancelled does not tell its tasks twice.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.wait({work}, timeout=CANCEL_AGAIN)
    await ticker.last_words()
    await asyncio.gather(publisher.close(), database.close())
    log.info("stopped")


def _leave() -> None:
    log.warning("cut", after_seconds=LEAVE_SECONDS)
    os._exit(0)


def main() -> int:
    """Run the worker; return 0 after a signal, 1 when its port is taken."""
    logs.configure()
    options = settings.read(("DATABASE_URL", "REDIS_URL"))
    try:
        asyncio.run(serve(options))
    except OSError as error:
        log.error("cannot_listen", host=options.host, port=options.port, reason=str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
