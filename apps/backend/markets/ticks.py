"""Ticks as they travel: out of Redis, which others may write to, so nothing in it is trusted."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TypedDict

from markets import logs

log = logs.get("markets.ticks")


class Tick(TypedDict):
    """A price as the WebSocket sends it; `time` in Unix milliseconds."""

    type: str
    symbol: str
    price: float
    change_24h: float
    time: int


@dataclass(frozen=True)
class Last:
    """The last tick of a market and, where it was kept, the volume of 24 hours."""

    tick: Tick
    volume_24h: float | None


def parse(data: bytes) -> Last | None:
    """What the ticker wrote, or None when `data` is something else."""
    try:
        found = json.loads(data)
        tick = Tick(
            type="tick",
            symbol=str(found["symbol"]),
            price=float(found["price"]),
            change_24h=float(found["change_24h"]),
            time=int(found["time"]),
        )
        volume = float(found["volume_24h"]) if "volume_24h" in found else None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        log.warning("tick_malformed")
        return None
    # Python reads NaN and Infinity, browsers do not.
    if not all(map(math.isfinite, (tick["price"], tick["change_24h"], volume or 0.0))):
        log.warning("tick_malformed")
        return None
    return Last(tick, volume)
