"""Logs: no line lost by rotation, none by removal; read by time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lokifi.kit.linux import punch_hole
from lokifi.runtimes.local.supervisor import keeper as keeper_module
from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.supervisor.keeper import Keeper, index_of
from lokifi.runtimes.local.supervisor.logs import read, tail
from lokifi.runtimes.local.supervisor.stamps import stamp
from tests.runtimes.local.supervisor.aids import MakeSpec, eventually, pid_of, state

NOON = datetime(2026, 11, 22, 21, 12, 35, 123000, tzinfo=UTC).timestamp()
LOCAL = datetime(2026, 11, 22, 21, 12, 35, 123000).timestamp()

WRITER = """
import os, sys
for n in range(int(sys.argv[1])):
    os.write(1, b"line %08d %s\\n" % (n, b"x" * 80))
"""


@pytest.mark.parametrize(
    ("line", "when"),
    [
        ("2026-11-22T21:12:35.123Z started", NOON),
        ("2026-11-22T22:12:35.123+01:00 started", NOON),
        ("[2026-11-22 21:12:35.123 UTC] started", NOON),
        ("2026-11-22 21:12:35.123 UTC [77] LOG:  database system is ready", NOON),
        ("2026-11-22 21:12:35.123 GMT [77] LOG:  x", NOON),
        ("2026-11-22 16:12:35.123-05 [77] LOG:  x", NOON),
        ("2026-11-22 21:12:35,123 INFO python", LOCAL),
        ("2026/11/22 21:12:35 [error] 12#12: *1 nginx", LOCAL - 0.123),
        ("1:M 22 Nov 2026 21:12:35.123 * Ready to accept connections", LOCAL),
        ("77:X 22 Nov 2026 21:12:35.123 # +sdown master", LOCAL),
        ('{"level":"info","time":"2026-11-22T21:12:35.123Z"}', NOON),
        ('{"ts": "2026-11-22T21:12:35.123+00:00"}', NOON),
        ('{"timestamp":1795381955.123}', NOON),
        ('{"time":1795381955123,"msg":"ms"}', NOON),
        ("ts=2026-11-22T21:12:35.123Z caller=main.go:1 level=info", NOON),
        ('level=info time="2026-11-22T21:12:35.123Z" msg=x', NOON),
        ("2026-02-31T21:12:35Z no such day", None),
        ("no time at all", None),
        ("12:34:56 half a time", None),
        ("{" + "a" * 100_000, None),
        ("", None),
    ],
)
def test_stamps(line: str, when: float | None) -> None:
    assert stamp(line) == (None if when is None else pytest.approx(when, abs=0.001))


def test_rotation_under_fire_loses_no_line(tmp_path: Path) -> None:
    count = 30_000
    path = tmp_path / "logs" / "part.log"
    path.parent.mkdir()
    keeper = Keeper(path, largest=400_000)
    fd = keeper.open_for_part(None, None)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(count)], stdout=fd)
    os.close(fd)
    rotations = 0
    seen: list[str] = []
    while True:
        ended = writer.poll() is not None
        if keeper.look():
            before = (tmp_path / "logs" / "part.log.1").stat().st_ino if rotations else 0
            asyncio.run(keeper.rotate())
            assert (tmp_path / "logs" / "part.log.1").stat().st_ino != before
            seen += (tmp_path / "logs" / "part.log.1").read_text().splitlines()
            rotations += 1
        if ended and not keeper.look():
            break
    assert writer.returncode == 0
    seen += [line.text for line in read(tmp_path, "part") if int(line.text[5:13]) >= len(seen)]
    assert [int(line[5:13]) for line in seen] == list(range(count))
    assert rotations >= 3
    assert os.stat(path).st_blocks * 512 < 1_500_000, "the head was given back"
    assert [line.text[:13] for line in tail(tmp_path, "part", 1)] == [f"line {count - 1:08}"]


def test_without_holes_it_truncates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "punch_hole", lambda fd, start, end: False)
    path = tmp_path / "logs" / "part.log"
    path.parent.mkdir()
    keeper = Keeper(path, largest=1000)
    fd = keeper.open_for_part(None, None)
    for number in range(100):
        os.write(fd, b"line %08d\n" % number)
    assert keeper.look()
    asyncio.run(keeper.rotate())
    assert path.stat().st_size == 0
    os.write(fd, b"line 00000100\n")
    os.close(fd)
    assert [line.text for line in read(tmp_path, "part")] == [f"line {n:08}" for n in range(101)]


def test_killed_between_the_copy_and_the_hole_nothing_is_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "logs" / "part.log"
    path.parent.mkdir()
    first = Keeper(path, largest=1000)
    fd = first.open_for_part(None, None)
    for number in range(1000):
        os.write(fd, b"line %08d\n" % number)
    os.close(fd)
    assert first.look()

    class Killed(Exception):
        pass

    def die(fd: int, start: int, end: int) -> bool:
        raise Killed

    monkeypatch.setattr(keeper_module, "punch_hole", die)
    with pytest.raises(Killed):
        asyncio.run(first.rotate())
    monkeypatch.setattr(keeper_module, "punch_hole", punch_hole)
    second = Keeper(path, largest=1000)
    assert not second.look()
    assert [line.text for line in read(tmp_path, "part")] == [f"line {n:08}" for n in range(1000)]


def test_a_removed_log_goes_on_in_a_new_file(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    program = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.02; done"
    supervisor.put(make("part", "sh", "-c", program))
    eventually(lambda: len(tail(folder, "part", 100)) > 70, 20)
    path = folder / "logs" / "part.log"
    last = int(tail(folder, "part", 1)[0].text.split()[1])
    path.unlink()
    eventually(lambda: path.exists() and len(tail(folder, "part", 1000)) > 50, 20)
    numbers = [int(line.text.split()[1]) for line in read(folder, "part")]
    assert numbers[0] <= last + 1
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), "no gap and none twice"
    os.kill(pid_of(supervisor, "part"), signal.SIGKILL)
    eventually(lambda: state(supervisor, "part").restarts == 1 and tail(folder, "part", 1)[0].text < "line 3")


def test_a_removed_log_is_found_again_after_adoption(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    program = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.02; done"
    supervisor.put(make("part", "sh", "-c", program))
    eventually(lambda: tail(folder, "part"))
    os.kill(supervisor.pid(), signal.SIGKILL)
    eventually(lambda: not supervisor.running())
    (folder / "logs" / "part.log").unlink()
    supervisor.start()
    eventually(lambda: len(tail(folder, "part", 100)) > 20)


def test_lines_without_a_time_are_found_by_the_index(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    program = "echo early; sleep 3; echo late; exec sleep 60"
    supervisor.put(make("part", "sh", "-c", program))
    begin = time.time()
    eventually(lambda: len(tail(folder, "part")) == 2)
    eventually(lambda: len(index_of(folder / "logs" / "part.log")) >= 2)
    assert [line.text for line in read(folder, "part", since=begin + 2)] == ["late"]
    assert [line.text for line in read(folder, "part", since=begin - 5)] == ["early", "late"]
    late = next(line for line in read(folder, "part") if line.text == "late")
    assert late.time is not None
    assert abs(late.time - (begin + 3)) < 2.5
    assert list(read(folder, "part", since=time.time() + 60)) == []


def test_lines_with_a_time_are_found_by_it(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    lines = [f"2026-11-22T21:12:{second:02}Z line" for second in range(60)]
    (tmp_path / "logs" / "part.log").write_text("\n".join(lines))
    since = datetime(2026, 11, 22, 21, 12, 57, tzinfo=UTC).timestamp()
    assert [line.text for line in read(tmp_path, "part", since=since)] == lines[57:]


def test_following_yields_lines_as_they_come(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    path = tmp_path / "logs" / "part.log"
    path.write_bytes(b"one\ntw")
    stream = read(tmp_path, "part", follow=True)
    assert next(stream).text == "one"
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.extend(next(stream).text for _ in range(2)))
    reader.start()
    with path.open("ab") as file:
        file.write(b"o \xff\nthree\n")
    reader.join(10)
    assert heard == ["two \ufffd", "three"]


def test_a_part_survives_the_supervisor_while_it_writes(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    program = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.01; done"
    supervisor.put(make("part", "sh", "-c", program))
    eventually(lambda: tail(folder, "part"))
    pid = pid_of(supervisor, "part")
    os.kill(supervisor.pid(), signal.SIGKILL)
    before = len(list(read(folder, "part")))
    eventually(lambda: len(list(read(folder, "part"))) > before + 20)
    assert state(supervisor, "part").pid == pid
