"""Ticks become candles, in memory; what changed waits here until PostgreSQL has it."""

from __future__ import annotations

from markets.history import INTERVALS
from markets.metrics import CANDLES_PENDING
from markets.prices import Bar

# Changed candles kept while PostgreSQL is away: more than half a day of all markets. Then the oldest go.
PENDING_MOST = 12_000

Key = tuple[str, str, int]


class Folder:
    """The current candle of every market and interval, and the changed ones."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, str], Bar] = {}
        self._changed: dict[Key, Bar] = {}

    def resume(self, symbol: str, interval: str, bar: Bar) -> None:
        """Go on from a candle that PostgreSQL has, so that a restart does not begin it anew."""
        self._current[symbol, interval] = bar

    def add(self, symbol: str, price: float, volume: float, now: float) -> None:
        """Fold a tick of `now` (Unix seconds) into the candles of its market."""
        for interval, seconds in INTERVALS.items():
            time = int(now) // seconds * seconds
            bar = self._current.get((symbol, interval))
            if bar is None or time > bar.time:
                opening = bar.close if bar is not None and bar.time == time - seconds else price
                bar = Bar(time, opening, max(opening, price), min(opening, price), price, 0.0)
                self._current[symbol, interval] = bar
            bar.high, bar.low, bar.close = max(bar.high, price), min(bar.low, price), price
            bar.volume = round(bar.volume + volume, 6)
            self._changed[symbol, interval, bar.time] = bar
        self._bound()

    def take(self) -> dict[Key, Bar]:
        """The changed candles, which then count as kept."""
        taken, self._changed = self._changed, {}
        CANDLES_PENDING.set(0)
        return taken

    def give_back(self, taken: dict[Key, Bar]) -> None:
        """They could not be kept after all; the older ones come first again."""
        self._changed = {**taken, **self._changed}
        self._bound()

    def _bound(self) -> None:
        while len(self._changed) > PENDING_MOST:
            del self._changed[next(iter(self._changed))]
        CANDLES_PENDING.set(len(self._changed))
