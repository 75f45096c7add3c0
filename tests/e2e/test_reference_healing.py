"""The reference platform under SIGKILL and SIGSTOP: it heals by itself, or by the next command."""

from __future__ import annotations

import signal
import time

import pytest

from tests.e2e.platform import Platform, lives, wait_for
from tests.e2e.traffic import Traffic, get

PARTS = ["edge", "postgres", "redis", "backend-2", "ticker", "prometheus"]
HOST = "markets.localhost"


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_back_and_no_other_is_touched(markets: Platform, part: str) -> None:
    """Row 3. kill -9 of its leader."""
    before = markets.pids()
    markets.kill(before[part])
    wait_for(lambda: markets.pids().get(part, before[part]) != before[part], 5, f"{part} has a new process")
    wait_for(markets.all_ready, 20, "all is ready again")
    after = markets.pids()
    assert {name for name in after if after[name] != before[name]} == {part}
    wait_for(lambda: get(markets.door, "/api/ready", HOST)[0] == 200, 10, "the page answers")


def test_a_killed_supervisor_is_replaced_by_the_next_command_and_nothing_starts_twice(markets: Platform) -> None:
    """Row 5. The page serves on without it; `status` brings another, which adopts every part."""
    before, supervisor = markets.pids(), markets.supervisor.pid()
    with Traffic(markets.door) as traffic:
        markets.kill(supervisor)
        assert all(lives(pid) for pid in before.values())
        answered = traffic.answered
        wait_for(lambda: traffic.answered > answered + 20, 10, "it serves without a supervisor")
        rows = markets.status()
    assert traffic.verdict == ""
    assert {name: row["pid"] for name, row in rows.items()} == before
    assert markets.supervisor.pid() != supervisor
    wait_for(markets.all_ready)
    assert sum("supervisor/__main__.py" in words for words in markets.processes().values()) == 1
    markets.kill(before["ticker"])
    wait_for(lambda: markets.pids().get("ticker", before["ticker"]) != before["ticker"], 5, "an adopted part is healed, too")
    wait_for(markets.all_ready, 20)


def test_supervisor_and_part_killed_at_once(markets: Platform) -> None:
    """Row 6. What lives is adopted, what died is started."""
    before = markets.pids()
    markets.kill(markets.supervisor.pid())
    markets.kill(before["backend-1"])
    markets.run("status")
    wait_for(markets.all_ready, 20, "all is ready again")
    after = markets.pids()
    assert {name for name in after if after[name] != before[name]} == {"backend-1"}


def test_up_after_the_supervisor_was_killed_is_no_change(markets: Platform) -> None:
    """Row 5. Not only a look, also `up` adopts; then a `down` reaches every adopted process."""
    before = markets.pids()
    markets.kill(markets.supervisor.pid())
    markets.run("up")
    assert markets.pids() == before
    markets.kill(markets.supervisor.pid())
    markets.run("down")
    markets.gone()
    markets.run("up")


def test_a_hung_backend_is_restarted_while_the_others_answer(markets: Platform) -> None:
    """Row 11. SIGSTOP: alive and mute. It may take three periods of 1 s and as many time-outs of 2 s to be seen."""
    before = markets.pids()
    with Traffic(markets.door, path="/api/health", rate=20, connections=10) as traffic:
        begun = time.monotonic()
        markets.kill(before["backend-3"], signal.SIGSTOP)
        wait_for(lambda: markets.pids().get("backend-3", before["backend-3"]) != before["backend-3"], 15, "it is replaced")
        took = time.monotonic() - begun
        wait_for(markets.all_ready, 15)
    assert took < 3 * 1.0 + 3 * 2.0 + 1.0
    assert traffic.verdict == "" and traffic.answered > 40, traffic.verdict
    after = markets.pids()
    assert {name for name in after if after[name] != before[name]} == {"backend-3"}
