"""The reference platform: up, look, change, scale, restart, down and up again — all through the command line."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import pty
import re
import select
import shutil
import struct
import sys
import termios
import time
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.platform import Platform, wait_for
from tests.e2e.traffic import Traffic, get

PARTS = {"edge", "postgres", "redis", "backend-1", "backend-2", "backend-3", "ticker", "prometheus"}
HOST = "markets.localhost"


def test_up_makes_every_part_ready_and_none_runs_as_root(markets: Platform) -> None:
    """By the kernel's own word, for every process: PostgreSQL's children and nginx's workers too.
    The supervisor alone is the caller."""
    rows = markets.status()
    assert set(rows) == PARTS and {row["state"] for row in rows.values()} == {"ready"}
    supervisor = markets.supervisor.pid()
    family = set(markets.processes()) - {supervisor}
    assert {row["pid"] for row in rows.values()} <= family and len(family) > len(PARTS)
    for pid in family:
        state = Path(f"/proc/{pid}/status").read_text()
        uids = {int(number) for number in re.search(r"^Uid:(.*)$", state, re.M)[1].split()}  # type: ignore[index]
        assert 0 not in uids, markets.processes()[pid]
        assert int(re.search(r"^CapEff:\s*(\w+)$", state, re.M)[1], 16) == 0  # type: ignore[index]
    assert get(markets.door, "/api/ready", HOST)[0] == 200
    assert b"<html" in get(markets.door, "/", HOST)[1].lower()


def test_up_again_does_nothing(markets: Platform) -> None:
    """The plan is empty and every process is the same."""
    before = markets.pids()
    assert markets.run("plan", "--json").json["steps"] == []
    assert "Nothing to do" in markets.run("plan").out
    markets.run("up")
    assert markets.pids() == before


def _snapshot(folder: Path) -> dict[str, tuple[int, ...]]:
    """What a writer would change: numbers, sizes and times; without what the running parts write by themselves."""
    found = {}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        if inside[0] not in ("data", "logs") and path.name != "supervisor.log" and path.suffix != ".record":
            state = path.lstat()
            found["/".join(inside)] = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_mode)
    return found


def test_plan_cannot_write(markets: Platform, tmp_path: Path) -> None:
    """Not with a change at hand: no file differs, and the kernel saw no call that could have written below the project."""
    markets.edit("DATABASE_URL: ${postgres.url} ", "NEW: value\n      DATABASE_URL: ${postgres.url} ")
    before = _snapshot(markets.folder)
    assert markets.run("plan", "--json").json["steps"]
    assert _snapshot(markets.folder) == before
    strace = shutil.which("strace")
    assert strace, "strace is needed: see tests/system.sh"
    trace = tmp_path / "trace"
    calls = "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlinkat,symlink"
    calls += ",chmod,fchmodat,truncate"
    markets.run("plan", before=(strace, "-f", "-qq", "-y", "-o", str(trace), "-e", f"trace={calls}"))
    lines = [line for line in trace.read_text().splitlines() if str(markets.root) in line]
    writes = [line for line in lines if "open" not in line.split("(")[0] or re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC)", line)]
    assert lines and writes == []


def test_every_prometheus_target_is_up(markets: Platform) -> None:
    """The edge's, the stores' and every copy's; asked of Prometheus itself."""
    address = markets.status()["prometheus"]["ports"]["http"]

    def targets() -> list[dict]:
        with urllib.request.urlopen(f"http://{address}/api/v1/targets", timeout=5) as answer:
            return json.load(answer)["data"]["activeTargets"]

    wait_for(lambda: (found := targets()) and all(each["health"] == "up" for each in found), 15, "all targets are up")
    jobs = [each["labels"]["job"] for each in targets()]
    assert jobs.count("backend") == 3 and "ticker" in jobs, jobs


def test_an_edit_of_the_file_touches_only_what_it_concerns(markets: Platform) -> None:
    """`plan` says it first, with the cause; then one process is new."""
    before = markets.pids()
    markets.edit('env: {DATABASE_URL: "${postgres.url}", REDIS', 'env: {NEW: value, DATABASE_URL: "${postgres.url}", REDIS')
    steps = markets.run("plan", "--json").json["steps"]
    assert {step["subject"] for step in steps} == {"ticker"}
    assert any("NEW" in step["cause"] or "env" in step["cause"] or "changed" in step["cause"] for step in steps), steps
    markets.run("up")
    after = markets.pids()
    assert {name for name in after if after[name] != before[name]} == {"ticker"}


def test_an_edit_of_the_sources_rolls_through_without_a_failed_request(markets: Platform) -> None:
    """The release runs again, each copy is replaced, and no GET of a light open-loop load is lost."""
    before = markets.pids()
    released = _releases(markets)
    source = markets.root / "apps" / "backend" / "markets" / "__init__.py"
    source.write_text(source.read_text() + "\n# another version\n")
    assert "release-backend" in {step["subject"] for step in markets.run("plan", "--json").json["steps"]}
    with Traffic(markets.door) as traffic:
        markets.run("up")
    after = markets.pids()
    assert traffic.verdict == "" and traffic.answered > 40
    assert all(after[name] != before[name] for name in after if name.startswith("backend"))
    assert all(after[name] == before[name] for name in ("postgres", "redis", "prometheus", "edge"))
    assert _releases(markets) == released + 1


def _releases(platform: Platform) -> int:
    return sum(event["subject"] == "release-backend" and event["kind"] == "done" for event in platform.events())


def test_scaling_up_and_down_loses_nothing(markets: Platform) -> None:
    """3 → 5 → 2 under GETs on keep-alive connections and open WebSockets; the number outlives the next `up`."""
    with Traffic(markets.door, sockets=4) as traffic:
        wait_for(lambda: traffic.messages > 4, 10, "prices arrive")
        markets.run("scale", "backend=5")
        assert "backend-5" in markets.states()
        markets.run("scale", "backend=2")
        seen = traffic.messages
        wait_for(lambda: traffic.messages > seen + 8, 10, "prices arrive again")
    assert traffic.verdict == "" and traffic.answered > 40 and traffic.slowest < 2.0, (traffic.verdict, traffic.slowest)
    markets.run("up")
    assert sorted(name for name in markets.pids() if name.startswith("backend")) == ["backend-1", "backend-2"]
    refused = markets.run("scale", "backend=11", code=2)
    assert "2 to 10" in refused.err


def test_restart_replaces_one_part_and_waits_for_it(markets: Platform) -> None:
    """A part by its name, then all copies of a service by theirs."""
    before = markets.pids()
    markets.run("restart", "redis")
    middle = markets.pids()
    assert {name for name in middle if middle[name] != before[name]} == {"redis"}
    with Traffic(markets.door, path="/api/health") as traffic:
        markets.run("restart", "backend")
    after = markets.pids()
    assert {name for name in after if after[name] != middle[name]} == {"backend-1", "backend-2", "backend-3"}
    assert traffic.verdict == ""
    assert "did you mean" in markets.run("restart", "backnd", code=2).err


def test_logs_are_found_by_time_by_pattern_and_by_part(markets: Platform) -> None:
    """A request's own id is found in the edge's log and in the backend's, each as JSON."""
    with urllib.request.urlopen(urllib.request.Request(markets.url + "/api/markets", headers={"Host": HOST})) as answer:
        found = answer.headers["X-Request-ID"]
    assert found
    lines = wait_for(lambda: _grep(markets, found), 10, "the request is in the logs")
    assert {line["part"].split("-")[0] for line in lines} >= {"edge"}
    stamps = [line["time"] for line in lines]
    assert stamps == sorted(stamps)
    assert markets.run("logs", "--since", "1s", "--grep", "no line has this", "--json").out == ""
    only = markets.run("logs", "backend", "--since", "1h", "--json").lines
    assert only and {line["part"] for line in only} <= {"backend-1", "backend-2", "backend-3", "backend-4", "backend-5"}
    assert "\x1b" not in markets.run("logs", "postgres").out


def _grep(platform: Platform, text: str) -> list[dict]:
    return platform.run("logs", "--since", "1m", "--grep", text, "--json").lines


def test_events_tell_what_happened(markets: Platform) -> None:
    """What commands did and what parts did by themselves, in the order of time (two write at once, hence the tenth)."""
    markets.run("restart", "ticker")
    events = markets.events()
    times = [datetime.fromisoformat(event["time"]).timestamp() for event in events]
    assert all(before <= after + 0.1 for before, after in itertools.pairwise(times))
    assert any(event["subject"] == "ticker" and event["step"] == "restart" for event in events)
    recent = markets.run("events", "--since", "1m", "--json").lines
    assert 0 < len(recent) < len(events) + 1 and "ticker" in markets.run("events", "--since", "1m").out


def test_exec_runs_in_the_parts_surroundings(markets: Platform) -> None:
    """Its folder, its variables, its account; its exit code is the command's."""
    result = markets.run(
        "exec",
        "backend-1",
        "--",
        "python",
        "-c",
        "import os,markets; print(os.getcwd(), os.getuid(), 'DATABASE_URL' in os.environ)",
    )
    folder, uid, has = result.out.split()
    assert folder == str(markets.root / "apps" / "backend") and int(uid) != 0 and has == "True"
    markets.run("exec", "backend-1", "--", "python", "-c", "raise SystemExit(9)", code=9)


@pytest.mark.parametrize(
    ("part", "prompt", "say", "expect"),
    [
        ("postgres", "=>", "select 6*7 as answer;", "42"),
        ("redis", "> ", "PING", "PONG"),
        ("backend-1", "$ ", "echo $((6*7))", "42"),
    ],
    ids=["postgres", "redis", "backend"],
)
def test_shell_opens_the_parts_own_client_on_the_terminal(
    markets: Platform, part: str, prompt: str, say: str, expect: str
) -> None:
    """On a real terminal; asked one thing, and left by its end-of-file."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(markets.root)
        os.execve(sys.executable, [sys.executable, "-m", "lokifi", "shell", part], {**markets.environment(), "PAGER": "cat"})
    # Without a size psql would page and redis-cli would ask the terminal.
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 40, 120, 0, 0))
    try:
        heard = _heard(terminal, re.escape(prompt))
        os.write(terminal, f"{say}\r".encode())
        heard += _heard(terminal, rf"{expect}\r\n(.|\n)*{re.escape(prompt)}")
        os.write(terminal, b"\x04")
        wait_for(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 10, "the client ends")
    finally:
        os.close(terminal)
    assert "assword" not in heard


def _heard(terminal: int, expected: str) -> str:
    """What comes, until the pattern is in it."""
    heard, deadline = "", time.monotonic() + 15
    while not re.search(expected, heard):
        assert time.monotonic() < deadline, heard
        if select.select([terminal], [], [], 0.2)[0]:
            heard += os.read(terminal, 65536).decode(errors="replace")
    return heard


def test_down_leaves_nothing_but_the_data(markets: Platform) -> None:
    """No process, no port; and the next `up`, quick, has the visitor's watchlist."""
    kept = _watch(markets, "BTC-USD")
    assert _watched(markets, kept) == ["BTC-USD"]
    down = markets.run("down")
    markets.gone()
    with pytest.raises(ConnectionRefusedError):
        get(markets.door)
    markets.run("status")
    markets.gone()
    up = markets.run("up")
    assert _watched(markets, kept) == ["BTC-USD"]
    assert down.seconds < 15 and up.seconds < 30


def _watch(platform: Platform, symbol: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(platform.url + "/api/watchlist", headers={"Host": HOST})) as answer:
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    request = urllib.request.Request(
        f"{platform.url}/api/watchlist/{symbol}", method="PUT", headers={"Host": HOST, "Cookie": cookie}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 204
    return cookie


def _watched(platform: Platform, cookie: str) -> list[str]:
    request = urllib.request.Request(platform.url + "/api/watchlist", headers={"Host": HOST, "Cookie": cookie})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["symbols"]
