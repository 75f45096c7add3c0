"""Starting what cannot start: each failure names its cause and leaves nothing half done."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time

from tests.e2e.platform import Platform, listening, raw_environment, wait_for
from tests.e2e.toys import ONE, Toys
from tests.e2e.traffic import get

TAKER = """
import socket, sys, time
taken = socket.socket()
taken.bind(("127.0.0.1", {port}))
if "{how}" == "listen":
    taken.listen()
own = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""


def test_a_port_taken_before_up_is_refused_before_anything_starts(toy: Toys) -> None:
    """Row 1. The sentence names the port, the part that wants it, and who holds it."""
    platform = toy()
    with listening(platform.door + 2):
        result = platform.run("up", code=4)
    assert f"port {platform.door + 2} of web-1 is taken by" in result.err
    assert f"pid {os.getpid()}" in result.err and "python" in result.err
    assert not platform.processes()
    assert not list((platform.folder / "logs").glob("web*"))
    platform.run("up")


def test_a_port_taken_between_check_and_bind_fails_that_part_alone(toy: Toys) -> None:
    """Row 2. The taker is a part that starts first: the port is free when it is checked and taken when it is bound."""
    platform = _racing(toy, "bind")
    result = platform.run("up", code=4)
    assert "web" in result.err and "Address already in use" in result.err
    states = platform.states()
    assert states["taker"] == "ready" and states["edge"] == "ready" and states["web"] == "crashing"
    _give_the_port_back(platform)


def test_a_stranger_that_answers_on_a_parts_port_does_not_hide_that_the_part_crashes(toy: Toys) -> None:
    """Row 2. The taker even answers the probes. The part ends at its bind, and status says so."""
    platform = _racing(toy, "listen")
    platform.run("up", code=None)
    wait_for(lambda: platform.states()["web"] == "crashing", 5, "status shows it")
    assert "Address already in use" in platform.run("logs", "web").out
    _give_the_port_back(platform)


def _racing(toy: Toys, how: str) -> Platform:
    services = """
services:
  taker: {path: app, run: python3 -I taker.py $PORT}
  web: {path: app, run: python3 -I server.py $PORT, routes: [/], after: [taker]}
"""
    platform = toy(services)
    (platform.root / "app" / "taker.py").write_text(TAKER.format(port=platform.door + 3, how=how))
    return platform


def _give_the_port_back(platform: Platform) -> None:
    (platform.root / "app" / "taker.py").write_text(TAKER.format(port=platform.door + 9, how="bind"))
    platform.run("restart", "taker")
    platform.run("up")
    assert platform.all_ready()


def test_a_crash_loop_shows_in_status_and_up_ends_with_its_last_lines(toy: Toys) -> None:
    """Row 4. The pauses grow, it is never given up, and a mended file heals it."""
    platform = toy(ONE.replace("$PORT", "$PORT crash"))
    result = platform.run("up", code=4)
    assert "the last words of the toy" in result.err and "exit 7" in result.said
    row = platform.status()["web"]
    assert row["state"] == "crashing" and row["restarts"] >= 3 and "exit 7" in row["reason"]
    assert "crashing" in platform.run("status").out
    wait_for(lambda: platform.status()["web"]["restarts"] >= 5, 10, "a further try")
    starts = [
        event["time"]
        for event in _raw_events(platform.folder)
        if (event["kind"], event["part"]) == ("started", "web") and "pid" in event
    ]
    pauses = [after - before for before, after in itertools.pairwise(starts)]
    assert pauses[3] > 1.5 * pauses[1] > 1.5 * 0.1, pauses
    platform.edit(" crash", "")
    platform.run("up")
    assert platform.all_ready()


def _raw_events(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_a_part_deaf_to_sigterm_is_killed_after_its_grace(toy: Toys) -> None:
    """Row 8. Within the grace of 2 s and a second."""
    platform = toy.up(ONE.replace("$PORT", "$PORT deaf"))
    pid = platform.pids()["web"]
    begun = time.monotonic()
    platform.supervisor.stop("web")
    assert 1.9 <= time.monotonic() - begun < 3.5
    assert pid not in platform.processes()


def test_down_ends_grandchildren_that_left_session_and_group(toy: Toys) -> None:
    """Row 9. They also end when their part is restarted: nothing piles up."""
    platform = toy.up(ONE.replace("$PORT", "$PORT breed"))
    sleepers = lambda: {pid for pid, words in platform.processes().items() if words == "sleep 600"}  # noqa: E731
    first = wait_for(sleepers)
    platform.run("restart", "web")
    assert wait_for(sleepers).isdisjoint(first) and len(sleepers()) == 1
    platform.run("down")
    platform.gone()


def test_two_ups_at_once_start_everything_once(toy: Toys) -> None:
    """Row 12. Both end well, and each part was started one time."""
    platform = toy()
    both = [platform.start("up"), platform.start("up")]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    starts = [event["part"] for event in _raw_events(platform.folder) if event["kind"] == "started" and "pid" in event]
    assert sorted(starts) == ["edge", "web-1", "web-2"]


def test_a_switched_off_part_needs_no_program(toy: Toys) -> None:
    """No store and no metrics: doctor asks for neither, and `up` works although PATH holds no program."""
    platform = toy()
    (platform.root / "empty").mkdir()
    names = {row["name"] for row in platform.run("doctor", "--json").json["programs"]}
    assert "nginx" in names and names.isdisjoint({"postgres", "redis-server", "prometheus", "node"})
    platform.run("up", env={"PATH": str(platform.root / "empty")})
    assert platform.all_ready()


def test_a_value_with_shell_characters_arrives_byte_identical(toy: Toys) -> None:
    """Row 70. No shell is anywhere: neither run nor served differently."""
    value = "$(touch ran) `touch ran`; touch ran & \"quoted\" 'single' \\ # not a comment | > ran\nsecond line\ttab ü 中 $HOME"
    platform = toy(ONE + f"    env: {{X: {json.dumps(value)}}}\n")
    platform.run("up")
    assert json.loads(get(platform.door, "/env")[1])["env"]["X"] == value
    assert not list(platform.root.rglob("ran"))


def test_poison_of_the_caller_reaches_no_part_and_no_helper(toy: Toys) -> None:
    """Row 74. PATH=., PYTHONPATH and LD_* of the caller stay with the caller."""
    platform = toy(ONE + "    release: python3 -I show.py\n")
    evil = platform.root / "evil"
    evil.mkdir()
    for name in ("unshare", "nginx", "python3", "uv", "sh", "true"):
        (evil / name).write_text(f"#!/bin/sh\necho {name} >> {evil}/ran\nexit 1\n")
        (evil / name).chmod(0o755)
    (evil / "sitecustomize.py").write_text(f"open({str(evil / 'loaded')!r}, 'a').write(open('/proc/self/cmdline').read())\n")
    shown = "import json, os; open(os.environ['HOME'] + '/shown', 'w').write(json.dumps(dict(os.environ)))\n"
    (platform.root / "app" / "show.py").write_text(shown)
    poison = {
        "PYTHONPATH": str(evil),
        "LD_LIBRARY_PATH": str(evil),
        "LD_PRELOAD": "",
        "PERL5LIB": str(evil),
        "BASH_ENV": str(evil / "sh"),
    }
    process = subprocess.run(
        [sys.executable, "-m", "lokifi", "up", "-f", str(platform.file)],
        cwd=evil,
        env=platform.environment({**poison, "PATH": f".:{os.environ['PATH']}"}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    assert not (evil / "ran").exists(), (evil / "ran").read_text()
    assert "supervisor" not in (evil / "loaded").read_text(), "the supervisor loaded a stranger's module"
    release = json.loads(next((platform.folder / "data").glob("release-web/shown")).read_text())
    for pid in platform.processes():
        _assert_clean(raw_environment(pid).decode(errors="replace"), str(evil))
    _assert_clean(json.dumps(release), str(evil))


def _assert_clean(variables: str, evil: str) -> None:
    assert evil not in variables and "LD_PRELOAD" not in variables and "PATH=.:" not in variables, variables


def test_purge_removes_the_data_and_asks_first(toy: Toys) -> None:
    """`down` keeps what was made; `down --purge` without a terminal wants --yes; with it nothing is left."""
    platform = toy.up(ONE + "    secrets: [KEY]\nsecrets: {KEY: generated}\n")
    secret = (platform.folder / "secrets" / "KEY").read_text()
    platform.run("down")
    assert (platform.folder / "secrets" / "KEY").read_text() == secret
    assert "--yes" in platform.run("down", "--purge", code=2).err
    assert platform.folder.exists()
    platform.run("down", "--purge", "--yes")
    assert not platform.folder.exists()


def test_ports_are_free_again_after_down(toy: Toys) -> None:
    """Each port of the platform can be bound by somebody else."""
    platform = toy.up()
    platform.run("down")
    for port in range(platform.door, platform.door + 4):
        with listening(port):
            pass
