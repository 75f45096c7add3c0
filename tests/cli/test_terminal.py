"""Pipes, terminals, locales, signals: what a shell does to a program."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lokifi.contracts import Event
from lokifi.runtimes.local import history
from tests.cli.run import COMMAND, begin, environment, lokifi


def on_a_terminal(*arguments: str, cwd: Path, **variables: str) -> str:
    """What the command writes to a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=environment(**variables), stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    text = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # EIO: the last one who had the terminal open is gone
            break
        if not piece:
            break
        text += piece
    os.close(leader)
    process.wait(30)
    return text.decode()


def test_a_terminal_gets_colour(project: Path) -> None:
    assert "\x1b[1;31m" in on_a_terminal("check", "-f", "no.yaml", cwd=project)
    assert "\x1b[36m" in on_a_terminal("explain", cwd=project)


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_a_terminal_that_wants_no_colour_gets_none(variables: dict[str, str], project: Path) -> None:
    assert "\x1b" not in on_a_terminal("explain", cwd=project, **variables)


def test_no_colour_by_option_before_and_after_the_command(project: Path) -> None:
    assert "\x1b" not in on_a_terminal("--no-color", "explain", cwd=project)
    assert "\x1b" not in on_a_terminal("explain", "--no-color", cwd=project)


def test_a_pipe_gets_no_colour_unless_it_is_forced(project: Path) -> None:
    assert "\x1b" not in lokifi("explain", cwd=project).stdout
    assert "\x1b[" in lokifi("explain", cwd=project, FORCE_COLOR="1").stdout
    assert "\x1b" not in lokifi("explain", "--no-color", cwd=project, FORCE_COLOR="1").stdout


@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}])
def test_a_locale_without_utf_8_gets_ascii(variables: dict[str, str], project: Path) -> None:
    (project / "lokifi.yaml").write_text("platform: shop\ndomian: ünïcode\n")
    for arguments in (["check"], ["status"], ["--help"]):
        ended = lokifi(*arguments, cwd=project, **variables)
        assert ended.returncode in (0, 2)
        assert (ended.stdout + ended.stderr).isascii()
    assert "lokifi.yaml:2:1: domian: unknown key - did you mean 'domain'?" in lokifi("check", cwd=project, **variables).stderr


def test_an_argument_that_is_not_utf_8_is_shown_as_an_escape(project: Path) -> None:
    ended = subprocess.run(
        [*map(os.fsencode, COMMAND), b"\xff\x1b[2J"],
        cwd=project,
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert b"\x1b" not in ended.stderr
    assert b"\\udcff" in ended.stderr


@pytest.mark.parametrize("arguments", [["explain"], ["--help"], ["check", "--help"], ["explain", "--json"]])
def test_a_reader_that_goes_away_ends_it_quietly(arguments: list[str], project: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*COMMAND, *arguments],
        cwd=project,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("arguments", [["check"], ["--help"], ["check", "-f", "none.yaml"]])
def test_closed_streams_are_no_reason_to_fail(arguments: list[str], project: Path) -> None:
    line = 'exec "$@" >&- 2>&-; exit $?'
    ended = subprocess.run(
        ["/bin/sh", "-c", line, "sh", *COMMAND, *arguments], cwd=project, env=environment(), timeout=60, check=False
    )
    assert ended.returncode == (2 if "none.yaml" in arguments else 0)


@pytest.mark.parametrize("arguments", [["explain"], ["--help"], ["explain", "--help"]])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
def test_a_full_disk_is_one_line(arguments: list[str], project: Path) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            cwd=project,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 4
    assert "No space left on device" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 143, "terminated")],
)
def test_a_signal_ends_it_with_its_code_and_no_traceback(number: int, code: int, word: str, project: Path) -> None:
    folder = project / ".lokifi" / "development"
    folder.mkdir(parents=True, mode=0o755)
    history.record(folder, Event(time.time(), "done", "web", "ready", "wait", 0.5))
    process = begin("events", "--follow", cwd=project)
    assert process.stdout is not None
    assert "web" in process.stdout.readline()
    process.send_signal(number)
    rest, said = process.communicate(timeout=30)
    assert (process.returncode, rest, said.strip()) == (code, "", word)


def test_a_bug_is_a_log_to_paste_and_code_70(project: Path) -> None:
    script = (
        "import sys; from lokifi.cli import commands, main;"
        "commands.COMMANDS['check'] = ('lokifi.cli.nowhere', '');"
        "sys.exit(main.main(['check', '--', 'hunter2']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=project, env=environment(TMPDIR=str(project)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 70
    assert "Traceback" not in ended.stderr
    (log,) = project.glob("lokifi-bug-*.log")
    assert str(log) in ended.stderr
    assert log.stat().st_mode & 0o777 == 0o600
    assert "No module named 'lokifi.cli.nowhere'" in log.read_text()
    assert "hunter2" not in log.read_text()
