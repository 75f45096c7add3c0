"""Plausible prices: a geometric random walk that is drawn back to where it came from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

DAY = 86_400

# Share of the distance to the base price that is taken back a day. With a volatility v a day the price
# then stays, two times out of three, within v / sqrt(2 * REVERSION) of its base (the stationary deviation of
# an Ornstein-Uhlenbeck process): about 20 % for 3 % a day. Left alone for a year it is still plausible.
REVERSION = 0.01
# Deviation of the logarithm of a volume from one bar to the next.
VOLUME_SPREAD = 0.6
# Wicks, in deviations of the bar.
WICK = 0.4


@dataclass(frozen=True)
class Character:
    """What is typical of a market: prices in dollars, volatility as the deviation of a day's log return."""

    symbol: str
    decimals: int
    base_price: float
    volatility: float
    base_volume: float


@dataclass
class Bar:
    """Open, high, low, close and volume of one stretch of time that begins at `time` (Unix seconds)."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def step(character: Character, price: float, seconds: float, rng: Random) -> float:
    """The price `seconds` after (or, the walk being symmetric, before) `price`, not rounded."""
    days = seconds / DAY
    drift = -REVERSION * math.log(price / character.base_price) * days
    return price * math.exp(drift + rng.gauss(0.0, character.volatility * math.sqrt(days)))


def volume(character: Character, seconds: float, rng: Random) -> float:
    """What is traded in `seconds`: log-normal around the market's usual volume."""
    typical = character.base_volume * seconds / DAY
    return round(typical * rng.lognormvariate(-(VOLUME_SPREAD**2) / 2, VOLUME_SPREAD), 6)


def bar(character: Character, time: int, seconds: int, opening: float, closing: float, rng: Random) -> Bar:
    """A bar between two prices, with wicks and a volume."""
    deviation = character.volatility * math.sqrt(seconds / DAY) * WICK
    return Bar(
        time=time,
        open=round(opening, character.decimals),
        high=round(max(opening, closing) * math.exp(abs(rng.gauss(0.0, deviation))), character.decimals),
        low=round(min(opening, closing) * math.exp(-abs(rng.gauss(0.0, deviation))), character.decimals),
        close=round(closing, character.decimals),
        volume=volume(character, seconds, rng),
    )
