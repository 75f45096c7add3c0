"""Interrupted at any moment: what was begun is ended or undone, and the next command converges."""

from __future__ import annotations

import os
import pty
import random
import signal
import threading
import time

import pytest

from tests.e2e.platform import Platform, wait_for
from tests.e2e.toys import Toys

AT_MOST = 10.0
SEED = 7


def interrupt(platform: Platform, words: tuple[str, ...], after: float, number: int) -> int:
    """Signal the command `after` so many seconds; returns its exit code, which it must give within the limit."""
    process = platform.start(*words)
    over = threading.Timer(after, lambda: process.poll() is None and process.send_signal(number))
    over.start()
    begun = time.monotonic()
    _, err = process.communicate(timeout=60)
    over.cancel()
    assert time.monotonic() - begun < after + AT_MOST
    if process.returncode == 1 and "Traceback" in err and "/lokifi/" not in err.replace(str(platform.root), ""):
        # Python's own words: it was not yet at lokifi's first line.
        return -signal.SIGINT
    assert "Traceback" not in err, err
    return process.returncode


def converges(platform: Platform) -> None:
    """`up` reaches the desired state, each part has one leader, and a second `up` has nothing to do."""
    platform.run("up")
    assert platform.all_ready()
    servers = [words for words in platform.processes().values() if "server.py" in words]
    assert len(servers) == len(set(servers)), servers
    assert platform.run("plan", "--json").json["steps"] == []


@pytest.mark.parametrize("words", [("up",), ("down",), ("scale", "web=4"), ("restart", "web")], ids=lambda words: words[0])
def test_ctrl_c_at_random_moments_never_leaves_a_mess(toy: Toys, words: tuple[str, ...]) -> None:
    """Row 13. Five moments spread over the command, drawn anew within their fifth."""
    platform = toy() if words == ("up",) else toy.up()
    span = 1.2
    dice = random.Random(SEED)
    for part in range(5):
        after = 0.1 + span * (part + dice.random()) / 5
        code = interrupt(platform, words, after, signal.SIGINT)
        assert code in (0, 130, -2), f"exit {code} when interrupted after {after:.2f} s"
        if words == ("up",):
            converges(platform)
            platform.run("down")
        elif words == ("down",):
            converges(platform)
        elif words[0] == "scale":
            converges(platform)
            platform.run("scale", "web=2")
        else:
            converges(platform)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_up_ended_by_a_signal_can_be_repeated(toy: Toys, number: int) -> None:
    """Rows 13 and 14: also what a lost connection sends. The platform that runs is not touched by it."""
    platform = toy()
    for after in (0.3, 0.7):
        assert interrupt(platform, ("up",), after, number) in (0, 143, -number)
    converges(platform)
    before = platform.pids()
    interrupt(platform, ("logs", "--follow"), 0.8, number)
    assert platform.pids() == before and platform.all_ready()


def test_ctrl_c_ends_following_logs_and_the_platform_stays(toy: Toys) -> None:
    """`logs --follow` and `up --attach` are left by Ctrl-C."""
    platform = toy.up()
    before = platform.pids()
    assert interrupt(platform, ("logs", "--follow"), 1.0, signal.SIGINT) == 130
    assert interrupt(platform, ("up", "--attach"), 2.0, signal.SIGINT) == 0
    assert platform.pids() == before


def test_a_terminal_that_goes_away_leaves_the_platform_running(toy: Toys) -> None:
    """Row 14. `up --attach` on a terminal whose other end is closed, as when ssh dies: it ends, the parts do not."""
    platform = toy.up()
    before = platform.pids()
    controller, terminal = pty.openpty()
    process = platform.start("up", "--attach", stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    seen = bytearray()
    while b"ready" not in seen:
        seen += os.read(controller, 65536)
    os.close(controller)
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: process.poll() is not None, 10, "the command ends")
    assert platform.pids() == before and platform.all_ready()
