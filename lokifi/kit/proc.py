"""Who a process is, beyond its number: numbers are reused, start times since boot are not.

An `Identity` is pid + start time in clock ticks since boot (field 22 of proc_pid_stat(5), untouched
by changes of the wall clock) + the kernel's boot id. Where there is no /proc the same questions are
answered through psutil (`lokifi.kit.proc_portable`).
"""

from __future__ import annotations

import importlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from lokifi.kit.errors import Refused

DEAD_STATES = frozenset("ZXx")


@dataclass(frozen=True, slots=True)
class Stat:
    """One look at one process."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of one boot; no other process ever has the same."""

    pid: int
    ticks: int
    boot: str


class Table(Protocol):
    """What a kernel has to tell: /proc here, psutil elsewhere."""

    def boot_id(self) -> str:
        """Name this boot of the machine."""

    def pids(self) -> list[int]:
        """Return the numbers of all processes."""

    def stat(self, pid: int) -> Stat | None:
        """Return one look at `pid`; None when there is no such process."""

    def environment(self, pid: int) -> frozenset[bytes]:
        """Return the initial environment as `NAME=value`; empty when unreadable or overwritten."""


class ProcFilesystem:
    """The kernel's own table."""

    def boot_id(self) -> str:
        """Read the random id the kernel draws at each boot."""
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()

    def pids(self) -> list[int]:
        """List the numeric entries of /proc."""
        return [
            int(name)
            for name in os.listdir("/proc")  # noqa: PTH208 - a hundred Path objects cost a millisecond
            if name.isdigit()
        ]

    def stat(self, pid: int) -> Stat | None:
        """Parse /proc/<pid>/stat; the command may hold blanks and brackets, so cut at the last one."""
        raw = _slurp(f"/proc/{pid}/stat", whole=False)
        if not raw:
            return None
        fields = raw[raw.rindex(b")") + 2 :].split(b" ", 20)
        return Stat(pid, fields[0].decode(), *(int(fields[at]) for at in (1, 2, 3, 19)))

    def environment(self, pid: int) -> frozenset[bytes]:
        """Read /proc/<pid>/environ."""
        return frozenset(_slurp(f"/proc/{pid}/environ").split(b"\0"))


def _slurp(path: str, whole: bool = True) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
    try:
        chunks = [os.read(fd, 4096)]
        while whole and chunks[-1]:
            chunks.append(os.read(fd, 65536))
        return b"".join(chunks)
    except (ProcessLookupError, PermissionError):
        return b""
    finally:
        os.close(fd)


def _table() -> Table:
    if Path("/proc/self/stat").exists():
        return ProcFilesystem()
    return cast(Table, importlib.import_module("lokifi.kit.proc_portable").PsutilTable())


TABLE = _table()
BOOT = TABLE.boot_id()


def identify(pid: int) -> Identity | None:
    """Return who has the number `pid` at this moment; None when nobody, or only a zombie, does."""
    stat = TABLE.stat(pid)
    return None if stat is None or stat.state in DEAD_STATES else Identity(pid, stat.ticks, BOOT)


def alive(who: Identity) -> bool:
    """Tell whether this very process still runs (a zombie does not)."""
    return who.boot == BOOT and identify(who.pid) == who


def uptime(who: Identity) -> float:
    """Return the seconds since `who` was started, by the boot clock (0.0 without such a clock)."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is None:
        return 0.0
    return max(0.0, time.clock_gettime(clock) - who.ticks / os.sysconf("SC_CLK_TCK"))


def look() -> dict[int, Stat]:
    """Return one look at every living process, by number; a few milliseconds for a hundred."""
    looks = (TABLE.stat(pid) for pid in TABLE.pids())
    return {stat.pid: stat for stat in looks if stat is not None and stat.state not in DEAD_STATES}


def children(pid: int, living: dict[int, Stat] | None = None) -> list[Identity]:
    """Return the living direct children of `pid`, as of `living` or of this moment."""
    living = look() if living is None else living
    return [_of(stat) for stat in living.values() if stat.parent == pid]


def descendants(pid: int, living: dict[int, Stat] | None = None) -> list[Identity]:
    """Return the living children of `pid`, their children and so on."""
    living = look() if living is None else living
    return [_of(living[one]) for one in sorted(_below({pid}, living) - {pid})]


def session_members(sid: int) -> list[Identity]:
    """Return the living members of the session `sid`."""
    return [_of(stat) for stat in look().values() if stat.session == sid]


def carriers(marker: str) -> list[Identity]:
    """Return the living processes whose initial environment holds exactly `marker` (`NAME=value`)."""
    wanted = marker.encode()
    return [_of(stat) for stat in look().values() if stat.session and wanted in TABLE.environment(stat.pid)]


def printers(file: Path) -> list[Identity]:
    """Return the living processes whose standard output is `file`; none where there is no /proc.

    It tells whose a process is when it has overwritten its environment and nobody knows its number.
    """
    found = []
    for stat in look().values():
        try:
            if Path(f"/proc/{stat.pid}/fd/1").readlink() == file:
                found.append(_of(stat))
        except OSError:
            continue
    return found


def family(
    leader: Identity | None,
    marker: str,
    known: Iterable[Identity] = (),
    living: dict[int, Stat] | None = None,
) -> list[Identity]:
    """Return every living process that belongs to `leader`, which may be dead: never a stranger.

    Belonging is: being in `known`, carrying `marker`, being in the leader's session or group, or
    descending from one of these. When the leader's number belongs to somebody else today, the
    session and the group of that number are a stranger's and do not count.
    """
    living = look() if living is None else living
    wanted = marker.encode()
    members = {who.pid for who in known if who.pid in living and living[who.pid].ticks == who.ticks}
    if leader is not None and leader.boot == BOOT:
        holder = TABLE.stat(leader.pid)
        if holder is None or holder.ticks == leader.ticks:
            members |= {
                stat.pid for stat in living.values() if leader.pid in (stat.session, stat.group) and stat.ticks >= leader.ticks
            }
    members |= {
        pid
        for pid, stat in living.items()
        # Kernel threads are in no session; they are most of the table and have no environment.
        if stat.session and pid not in members and wanted in TABLE.environment(pid)
    }
    return [_of(living[pid]) for pid in sorted(_below(members, living) - {os.getpid()})]


def send(who: Identity, number: int) -> bool:
    """Signal `who` and nobody else; False when it is gone. Raises `Refused` without the right to.

    Through a pidfd where there is one: it pins the process, so that checking the identity after
    opening it leaves no moment in which the number could have been given to a stranger.
    """
    try:
        if not hasattr(os, "pidfd_open"):
            if alive(who):
                os.kill(who.pid, number)
                return True
            return False
        fd = os.pidfd_open(who.pid)
        try:
            if not alive(who):
                return False
            signal.pidfd_send_signal(fd, number)
        finally:
            os.close(fd)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise Refused(f"no right to signal process {who.pid}", hint="it runs as another user") from error
    return True


def _of(stat: Stat) -> Identity:
    return Identity(stat.pid, stat.ticks, BOOT)


def _below(roots: set[int], living: dict[int, Stat]) -> set[int]:
    found, grown = set(roots), True
    while grown:
        more = {stat.pid for stat in living.values() if stat.parent in found} - found
        found |= more
        grown = bool(more)
    return found
