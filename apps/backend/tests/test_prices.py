"""History and folding, without any server."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from markets.folding import PENDING_MOST, Folder
from markets.history import DEPTH, INTERVALS, aggregate, history
from markets.prices import Bar, Character, step

BITCOIN = Character("BTC-USD", 2, 64120.0, 0.024, 21_000.0)
NOW = 1_795_383_721


def test_a_history_is_full_gapless_and_ends_now() -> None:
    for interval, bars in history(BITCOIN, NOW).items():
        seconds = INTERVALS[interval]
        assert len(bars) >= DEPTH[interval] >= 300
        assert all(later.time - earlier.time == seconds for earlier, later in pairwise(bars))
        assert NOW - 2 * seconds < bars[-1].time <= NOW
        assert bars[-1].close == BITCOIN.base_price


def test_bars_are_possible_and_join() -> None:
    for bars in history(BITCOIN, NOW).values():
        assert all(
            0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars
        )
        assert all(bar.volume > 0 for bar in bars)
        assert all(earlier.close == later.open for earlier, later in pairwise(bars))


def test_intervals_tell_the_same_story() -> None:
    found = history(BITCOIN, NOW)
    by_time = {bar.time: bar for bar in found["1h"]}
    whole = [bar for bar in aggregate(found["5m"], 3600) if bar.time in by_time]
    assert len(whole) > 40
    assert all(by_time[bar.time] == bar for bar in whole)


def test_the_same_moment_has_the_same_history() -> None:
    assert history(BITCOIN, NOW) == history(BITCOIN, NOW)


def test_a_year_alone_leaves_a_price_plausible() -> None:
    rng, price = Random(1), BITCOIN.base_price
    for _ in range(365 * 24):
        price = step(BITCOIN, price, 3600, rng)
        assert BITCOIN.base_price / 3 < price < BITCOIN.base_price * 3


def test_ticks_fold_into_every_interval() -> None:
    folder = Folder()
    for offset, price in ((0, 10.0), (20, 12.0), (59, 9.0), (60, 11.0)):
        folder.add("X", price, 1.0, 1_700_006_400 + offset)
    taken = folder.take()
    assert taken["X", "1m", 1_700_006_400] == Bar(1_700_006_400, 10.0, 12.0, 9.0, 9.0, 3.0)
    assert taken["X", "1m", 1_700_006_460] == Bar(1_700_006_460, 9.0, 11.0, 9.0, 11.0, 1.0)
    assert taken["X", "1h", 1_700_006_400].volume == 4.0
    assert folder.take() == {}


def test_a_clock_that_steps_back_makes_no_old_candle() -> None:
    folder = Folder()
    folder.add("X", 10.0, 1.0, 1_700_000_100)
    folder.take()
    folder.add("X", 11.0, 1.0, 1_700_000_030)
    assert {key[2] for key in folder.take() if key[1] == "1m"} == {1_700_000_100 // 60 * 60}


def test_what_waits_is_bounded_and_the_newest_stays() -> None:
    folder = Folder()
    for minute in range(PENDING_MOST + 10):
        folder.add("X", 1.0, 1.0, minute * 60)
    taken = folder.take()
    assert len(taken) == PENDING_MOST
    assert ("X", "1m", (PENDING_MOST + 9) * 60) in taken
    folder.give_back(taken)
    assert folder.take() == taken
