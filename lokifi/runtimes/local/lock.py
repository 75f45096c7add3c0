"""One changing command at a time: a lock that dies with its holder, and says who that is."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lokifi.kit.errors import LockHeld, Refused

FILE = "changing"
PATIENCE = 120.0


@contextmanager
def hold(run: Path, command: str, waiting: Callable[[str], None], patience: float = PATIENCE) -> Iterator[None]:
    """Hold the environment's lock; waits for another command, telling `waiting` who holds it.

    It is an flock(2): the kernel releases it when its holder dies, so no time has to be guessed. Raises `LockHeld`
    after `patience` seconds.
    """
    try:
        fd = os.open(run / FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(f"cannot lock the environment: {error.strerror}", place=str(run)) from error
    try:
        deadline, told = time.monotonic() + patience, False
        while not _take(fd):
            holder = _holder(fd)
            if not told:
                waiting(holder)
                told = True
            if time.monotonic() > deadline:
                raise LockHeld(f"{holder} has changed this environment for long", hint="wait for it, or end it")
            time.sleep(0.05)
        # A courtesy to those who wait; the lock holds without it, on a full disk, too.
        with suppress(OSError):
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps({"pid": os.getpid(), "command": command, "since": time.time()}).encode(), 0)
        yield
    finally:
        os.close(fd)


def _take(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(fd: int) -> str:
    try:
        found = json.loads(os.pread(fd, 1000, 0))
        age = max(0, int(time.time() - float(found["since"])))
        return f"'lokifi {found['command']}' (pid {int(found['pid'])}, for {age} s)"
    except (ValueError, KeyError, TypeError):
        return "another command"
