from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lokifi.kit import proc
from lokifi.kit.proc_portable import PsutilTable

FAMILY = """
import os, sys, time
mark = sys.argv[1]
if os.fork() == 0:                      # double fork into a session of its own
    os.setsid()
    if os.fork() == 0:
        open(mark + ".grandchild", "w").write(str(os.getpid()))
        time.sleep(60)
    os._exit(0)
os.wait()
open(mark + ".leader", "w").write("up")
time.sleep(60)
"""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_an_identity_is_the_same_at_every_look_and_ends_with_the_process(child: subprocess.Popen[bytes]) -> None:
    who = proc.identify(child.pid)
    assert who is not None
    assert who == proc.identify(child.pid)
    assert proc.alive(who)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not proc.alive(who), "a zombie is not alive"


def test_another_start_time_or_another_boot_is_somebody_else(child: subprocess.Popen[bytes]) -> None:
    who = proc.identify(child.pid)
    assert who is not None
    for stranger in (replace(who, ticks=who.ticks - 1), replace(who, boot="0" * 36)):
        assert not proc.alive(stranger)
        assert not proc.send(stranger, signal.SIGKILL)
    assert child.poll() is None


def test_a_name_with_brackets_and_blanks_does_not_confuse(tmp_path: os.PathLike[str]) -> None:
    program = os.path.join(tmp_path, "a) R 1 (b")
    os.symlink("/bin/sleep", program)
    process = subprocess.Popen([program, "60"], start_new_session=True)
    try:
        stat = proc.TABLE.stat(process.pid)
        assert stat is not None
        assert (stat.parent, stat.session) == (os.getpid(), process.pid)
    finally:
        process.kill()
        process.wait()


def test_uptime_counts_from_the_start_of_the_process(child: subprocess.Popen[bytes]) -> None:
    who = proc.identify(child.pid)
    assert who is not None
    assert 0 <= proc.uptime(who) < 5


def test_a_family_includes_the_double_forked_and_no_stranger(tmp_path: Path) -> None:
    mark = os.path.join(tmp_path, "m")
    marker = f"LOKIFI_TEST={tmp_path}"
    leader = subprocess.Popen(
        [sys.executable, "-c", FAMILY, mark],
        start_new_session=True,
        env={**os.environ, "LOKIFI_TEST": str(tmp_path)},
    )
    stranger = subprocess.Popen(["sleep", "60"], env={"LOKIFI_TEST": f"{tmp_path}x"})
    try:
        _wait_for(mark + ".leader")
        _wait_for(mark + ".grandchild")
        grandchild = int((tmp_path / "m.grandchild").read_text())
        who = proc.identify(leader.pid)
        assert {one.pid for one in proc.family(who, marker)} == {leader.pid, grandchild}
        assert {one.pid for one in proc.carriers(marker)} == {leader.pid, grandchild}
        leader.kill()
        leader.wait()
        assert [one.pid for one in proc.family(who, marker)] == [grandchild]
        for one in proc.family(who, marker):
            assert proc.send(one, signal.SIGKILL)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_reused_number_makes_its_session_a_strangers(child: subprocess.Popen[bytes]) -> None:
    who = proc.identify(child.pid)
    assert who is not None
    earlier = replace(who, ticks=who.ticks - 500)
    assert proc.family(earlier, "LOKIFI_TEST=none") == []


def test_psutil_tells_the_same_as_proc(child: subprocess.Popen[bytes]) -> None:
    ours, theirs = proc.TABLE.stat(child.pid), PsutilTable().stat(child.pid)
    assert ours is not None
    assert theirs is not None
    assert (ours.parent, ours.group, ours.session) == (theirs.parent, theirs.group, theirs.session)
    assert theirs == PsutilTable().stat(child.pid)
    assert child.pid in [one.pid for one in proc.children(os.getpid())]
    assert child.pid in [one.pid for one in proc.descendants(os.getppid())]
    assert PsutilTable().environment(child.pid) == proc.TABLE.environment(child.pid) - {b""}
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    dead = PsutilTable().stat(child.pid)
    assert dead is not None
    assert dead.state == "Z"


def _wait_for(path: str) -> None:
    deadline = time.monotonic() + 10
    while not (os.path.exists(path) and os.path.getsize(path)):
        assert time.monotonic() < deadline, path
        time.sleep(0.01)
