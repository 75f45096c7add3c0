"""A past for a fresh platform, so that its chart is full: one story in all intervals, ending now."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from markets.prices import Bar, Character, bar, step

# Seconds of each interval, finest first.
INTERVALS = {"1m": 60, "5m": 300, "1h": 3600, "1d": 86_400}
# Bars of each interval to begin with. Those of 5m reach back two days: the figures of 24 hours need one.
DEPTH = {"1m": 600, "5m": 576, "1h": 500, "1d": 400}


def history(character: Character, now: int) -> dict[str, list[Bar]]:
    """Bars of all intervals up to `now` (Unix seconds), oldest first; the same for a market and minute.

    Made backwards from the base price: minutes first, then each coarser interval sums up the finer one as far
    as that reaches and walks on from its first price.
    """
    rng = Random(f"{character.symbol} {now // 60}")  # noqa: S311 — prices, not secrets
    names = list(INTERVALS)
    found: dict[str, list[Bar]] = {}
    finer: list[Bar] = []
    for position, name in enumerate(names):
        seconds = INTERVALS[name]
        bars = aggregate(finer, seconds)
        # Begin at a boundary of the next coarser interval, or that one's first bar would be half a bar.
        boundary = INTERVALS[names[min(position + 1, len(names) - 1)]]
        start = (now - DEPTH[name] * seconds) // boundary * boundary
        end = bars[0].time if bars else now // seconds * seconds
        price = bars[0].open if bars else character.base_price
        finer = [*_backwards(character, start, end, seconds, price, rng), *bars]
        found[name] = finer
    return found


def _backwards(
    character: Character, start: int, end: int, seconds: int, price: float, rng: Random
) -> list[Bar]:
    bars: list[Bar] = []
    for time in range(end - seconds, start - 1, -seconds):
        opening = step(character, price, seconds, rng)
        bars.append(bar(character, time, seconds, opening, price, rng))
        price = opening
    bars.reverse()
    return bars


def aggregate(bars: Iterable[Bar], seconds: int) -> list[Bar]:
    """The same stretch of time in bars of `seconds`; the last may be unfinished."""
    found: list[Bar] = []
    for item in bars:
        time = item.time // seconds * seconds
        if not found or found[-1].time != time:
            found.append(Bar(time, item.open, item.high, item.low, item.close, item.volume))
            continue
        last = found[-1]
        last.high, last.low = max(last.high, item.high), min(last.low, item.low)
        last.close, last.volume = item.close, round(last.volume + item.volume, 6)
    return found
