"""Learn of every end at once: children by SIGCHLD, adopted processes by pidfd or by looking.

A child is looked at before it is collected: while it is a zombie its number, and that of its group,
cannot belong to anybody else, which is the moment to kill what it leaves behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from lokifi.kit import proc
from lokifi.kit.proc import Identity

BATCH = 500
LOOK_EVERY = 0.2
UNKNOWN_END = "exit unknown"

Ended = Callable[[str], None]


class Reaper:
    """Collects every child, also those inherited from parts, and tells whoever watches one."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.watched: dict[int, Ended] = {}
        self.loop.add_signal_handler(signal.SIGCHLD, self.collect)

    def watch_child(self, pid: int, ended: Ended) -> None:
        """Call `ended` with how the child ended (`exit 1`, `SIGKILL`), before it is collected."""
        self.watched[pid] = ended

    def watch_other(self, who: Identity, ended: Ended) -> None:
        """Call `ended` once `who`, which is no child, is gone; how it ended only its parent learns."""
        try:
            fd = os.pidfd_open(who.pid)
        except (AttributeError, OSError):
            self._look(who, ended)
            return
        self.loop.add_reader(fd, self._other_ended, fd, ended)
        if not proc.alive(who):
            self._other_ended(fd, ended)

    def collect(self) -> None:
        """Collect what has ended; a storm of ends is taken in bites, so that probes go on between."""
        for _ in range(BATCH):
            try:
                end = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if end is None:
                return
            ended = self.watched.pop(end.si_pid, None)
            if ended is not None:
                ended(describe(end.si_code == os.CLD_EXITED, end.si_status))
            os.waitpid(end.si_pid, os.WNOHANG)
        self.loop.call_soon(self.collect)

    def _other_ended(self, fd: int, ended: Ended) -> None:
        if self.loop.remove_reader(fd):
            os.close(fd)
            ended(UNKNOWN_END)

    def _look(self, who: Identity, ended: Ended) -> None:
        if proc.alive(who):
            self.loop.call_later(LOOK_EVERY, self._look, who, ended)
        else:
            ended(UNKNOWN_END)


def describe(exited: bool, status: int) -> str:
    """Say how a process ended: `exit 3` or the name of the signal."""
    if exited:
        return f"exit {status}"
    known = {int(one): one.name for one in signal.Signals}
    return known.get(status, f"signal {status}")
