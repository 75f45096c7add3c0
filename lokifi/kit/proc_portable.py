"""The table of processes where there is no /proc: through psutil, which needs to be installed there."""

from __future__ import annotations

import os

import psutil

from lokifi.kit.proc import Stat

TICKS_A_SECOND = 1_000_000


class PsutilTable:
    """What psutil can tell; its creation times are fixed at the start of a process."""

    def boot_id(self) -> str:
        """Name this boot by its minute: there is no random id, and seconds shift when clocks are set."""
        return f"boot-{int(psutil.boot_time()) // 60}"

    def pids(self) -> list[int]:
        """List all processes."""
        return list(psutil.pids())

    def stat(self, pid: int) -> Stat | None:
        """Look at one process; None when it is gone."""
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                state = "Z" if process.status() == psutil.STATUS_ZOMBIE else "R"
                ticks = int(process.create_time() * TICKS_A_SECOND)
                parent = process.ppid()
            return Stat(pid, state, parent, os.getpgid(pid), os.getsid(pid), ticks)
        except psutil.ZombieProcess:
            return Stat(pid, "Z", 0, 0, 0, 0)
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError, PermissionError):
            return None

    def environment(self, pid: int) -> frozenset[bytes]:
        """Return the environment as far as this user may read it."""
        try:
            pairs = psutil.Process(pid).environ().items()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
            return frozenset()
        return frozenset(f"{name}={value}".encode() for name, value in pairs)
