"""Become the supervisor of a folder: detached, alone, quiet."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import os
import signal
import sys
import time
from pathlib import Path

from lokifi.kit.errors import LokifiError
from lokifi.kit.linux import become_subreaper
from lokifi.runtimes.local.supervisor.control import SOCKET
from lokifi.runtimes.local.supervisor.keepalive import Keepalive
from lokifi.runtimes.local.supervisor.listen import serve

LOCK = "lock"
TOKEN = "token"  # noqa: S105 - the name of a file; the content marks processes and guards nothing
SOMEBODY_ELSE = 75  # EX_TEMPFAIL of sysexits.h
LOCK_PATIENCE = 1.0

log = logging.getLogger("supervisor")


def main(folder: Path, down: bool) -> int:
    """Detach and supervise `folder`; the first process returns once the supervisor is at work.

    Returns 0, or 75 when another supervisor has the folder. With `down` nothing is started: what is
    left is stopped, and the first process returns after that.
    """
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        verdict = os.read(reader, 1)
        return int(verdict[0]) if verdict else 1
    os.close(reader)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    os.chdir(folder / "run")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    lock = _take_lock()
    if lock is None:
        os.write(writer, bytes([SOMEBODY_ELSE]))
        return 0
    become_subreaper()
    asyncio.run(_supervise(folder, writer, down))
    return 0


async def _supervise(folder: Path, writer: int, down: bool) -> None:
    keeper = Keepalive(folder, _token())
    keeper.adopt(keep=not down)
    if down:
        await keeper.shutdown()
    else:
        server = await serve(keeper.handle)
        keeper.yard.emit("supervisor", "", "the supervisor is at work", pid=os.getpid())
        for number in (signal.SIGTERM,):
            asyncio.get_running_loop().add_signal_handler(number, _terminate, keeper)
        house = asyncio.create_task(keeper.keep_house())
        gc.freeze()
        _tell(writer)
        await keeper.closed.wait()
        await asyncio.sleep(0.01)
        server.close()
        house.cancel()
        Path(SOCKET).unlink(missing_ok=True)
    keeper.yard.emit("supervisor", "", "the supervisor has stopped all parts")
    if down:
        _tell(writer)


def _tell(writer: int) -> None:
    try:
        os.write(writer, b"\0")
    except BrokenPipeError:
        log.info("whoever started this supervisor has gone")
    os.close(writer)


def _terminate(keeper: Keepalive) -> None:
    async def stop() -> None:
        try:
            await keeper.shutdown()
        except LokifiError as error:
            log.warning("%s", error)

    if not keeper.closing:
        keeper.ending = asyncio.create_task(stop())


def _take_lock() -> int | None:
    """Hold the folder until this process ends; a child at its barrier may hold a dead one's lock briefly."""
    fd = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)


def _token() -> str:
    """Return the word that marks this folder's processes; drawn once."""
    path = Path(TOKEN)
    try:
        found = path.read_text()
    except OSError:
        found = ""
    if len(found) != 16 or not found.isalnum():
        found = os.urandom(8).hex()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.write(fd, found.encode())
        os.close(fd)
    return found
