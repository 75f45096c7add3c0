"""One changing command at a time, and a lock that nobody has to break."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lokifi.kit.errors import LockHeld, Refused
from lokifi.runtimes.local.lock import FILE, hold
from tests.runtimes.local.others import PYTHON

PATIENCE = 30.0
HOLDER = """
import sys
from pathlib import Path
from lokifi.runtimes.local.lock import hold
with hold(Path(sys.argv[1]), "up", lambda holder: None):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(run: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input ends."""
    words = [PYTHON, "-c", HOLDER, str(run)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_it_says_who_holds_it(tmp_path: Path) -> None:
    with hold(tmp_path, "scale", lambda who: None):
        found = json.loads((tmp_path / FILE).read_text())
        assert (found["pid"], found["command"]) == (os.getpid(), "scale")
        assert (tmp_path / FILE).stat().st_mode & 0o7777 == 0o600


def test_the_second_waits_for_the_first_and_is_told_of_it_once(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        told: list[str] = []

        def waiting(who: str) -> None:
            told.append(who)
            assert first.stdin
            first.stdin.close()  # the first ends because the second waits: no time has to be guessed

        with hold(tmp_path, "down", waiting, PATIENCE):
            assert first.wait(PATIENCE) == 0
        assert len(told) == 1 and told[0].startswith(f"'lokifi up' (pid {first.pid}, for ")


def test_it_dies_with_its_holder(tmp_path: Path) -> None:
    with holder(tmp_path) as first:

        def waiting(who: str) -> None:
            os.kill(first.pid, signal.SIGKILL)

        with hold(tmp_path, "up", waiting, PATIENCE):
            assert first.wait(PATIENCE) == -signal.SIGKILL


def test_patience_ends(tmp_path: Path) -> None:
    with holder(tmp_path) as first, pytest.raises(LockHeld) as caught, hold(tmp_path, "up", lambda who: None, 0.0):
        pass
    assert caught.value.sentence.startswith(f"'lokifi up' (pid {first.pid}, for ")
    assert (caught.value.code, caught.value.hint) == (75, "wait for it, or end it")


def test_two_threads_are_two_holders(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def change() -> None:
        with hold(tmp_path, "up", lambda who: None, PATIENCE):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert most == [1, 1, 1, 1]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff" * 2000])
def test_a_holder_that_said_nothing_readable_is_another_command(tmp_path: Path, content: bytes) -> None:
    with holder(tmp_path):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(LockHeld, match=r"^another command has changed"), hold(tmp_path, "up", lambda who: None, 0.0):
            pass


def test_it_is_free_again_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold(tmp_path, "up", lambda who: None):
        raise ZeroDivisionError
    with hold(tmp_path, "up", lambda who: pytest.fail(who), 0.0):
        pass


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("keep")
    (tmp_path / FILE).symlink_to(tmp_path / "theirs")
    with pytest.raises(Refused, match="cannot lock the environment"), hold(tmp_path, "up", lambda who: None):
        pass
    assert (tmp_path / "theirs").read_text() == "keep"
