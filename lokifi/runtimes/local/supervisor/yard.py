"""What the parts share: files, events, the reaper, the right to ask, and who belongs to whom."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path

from lokifi.kit import proc
from lokifi.kit.proc import Identity
from lokifi.kit.spawn import Launch, fork_held
from lokifi.runtimes.local.supervisor import events
from lokifi.runtimes.local.supervisor.probe import ask
from lokifi.runtimes.local.supervisor.reaper import Reaper
from lokifi.runtimes.local.supervisor.spec import PartSpec, Probe
from lokifi.runtimes.local.supervisor.store import Store

MARKER = "LOKIFI_PART"
AT_ONCE = 8
BACKLOG = 1000

log = logging.getLogger("supervisor")


class Subscriber:
    """A reader of the events; when it is too slow it loses the oldest, never the supervisor's memory."""

    def __init__(self) -> None:
        self.waiting: deque[dict[str, object]] = deque(maxlen=BACKLOG)
        self.woken = asyncio.Event()


class Yard:
    """One environment folder."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder = folder
        self.token = token
        self.store = Store(folder / "run")
        self.reaper = Reaper()
        self.asking = asyncio.Semaphore(AT_ONCE)
        self.subscribers: set[Subscriber] = set()
        self.leaders: dict[str, Identity] = {}
        self.claims: dict[str, set[Identity]] = {}
        self.narrow: set[Identity] = set()
        self.unswept: dict[str, Identity] = {}
        self.shed: Callable[[], None] = lambda: None
        self.changed = asyncio.Event()

    def marker(self, name: str) -> str:
        """Return the variable that every process of the part carries, as `NAME=value`."""
        return f"{MARKER}={self.token}:{name}"

    def emit(self, kind: str, part: str, text: str, **more: object) -> None:
        """Write an event into the history, the log and to whoever listens."""
        event = events.make(kind, part, text, **more)
        events.append(self.folder, event)
        log.info("%s %s %s", kind, part, ascii(text)[1:-1])
        for subscriber in self.subscribers:
            subscriber.waiting.append(event)
            subscriber.woken.set()
        self.announce()

    def announce(self) -> None:
        """Wake whoever waits for a state."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def ask(self, spec: PartSpec, probe: Probe) -> bool | None:
        """Put `probe` to the part; at most a few questions of the whole environment are open at once."""
        async with self.asking:
            return await ask(probe, lambda question: self._run(spec, question))

    def family(self, name: str, leader: Identity | None) -> list[Identity]:
        """Return what belongs to the part and lives: by session, group, marker, descent and what was seen.

        Also orphans that came to this process with an environment they have overwritten (PostgreSQL and
        nginx put their title there) when they belong to no other part and are younger than the leader.
        """
        living = proc.look()
        others = {who for part, who in self.leaders.items() if part != name}
        elsewhere = {who for part, claim in self.claims.items() if part != name for who in claim}
        foreign = {who.pid for who in others | elsewhere}
        known = set(self.claims.get(name, ()))
        for who in proc.children(os.getpid(), living):
            if leader is None or who.ticks < leader.ticks or who.pid in foreign | set(self.reaper.watched):
                continue
            titled = b"%s=" % MARKER.encode() not in b"\n".join(proc.TABLE.environment(who.pid))
            if titled and living[who.pid].session not in foreign:
                known.add(who)
        return proc.family(leader, self.marker(name), known, living)

    def remember_families(self) -> None:
        """Note who descends from whom, for the day on which a leader is gone and the descent with it.

        Leaders all of whose descendants are in their own group are `narrow`: killing the group is all it
        takes, and a restart need not wait for a look at every process of the machine.
        """
        living = proc.look()
        self.narrow.clear()
        for name, leader in self.leaders.items():
            if leader.pid in living:
                below = set(proc.descendants(leader.pid, living))
                self.claims[name] = below
                if all(living[who.pid].group == leader.pid for who in below):
                    self.narrow.add(leader)

    def sweep(self) -> None:
        """Kill what former leaders left outside their groups, which quick restarts did not wait for.

        It carries the part's mark but is older than the present leader and not of its session.
        """
        pending = {self.marker(name).encode(): (name, who) for name, who in self.unswept.items()}
        self.unswept.clear()
        for stat in proc.look().values() if pending else ():
            if stat.pid in self.reaper.watched or not stat.session:
                continue
            for mark in pending.keys() & proc.TABLE.environment(stat.pid):
                name, leader = pending[mark]
                stray = Identity(stat.pid, stat.ticks, proc.BOOT)
                # Two that start within one tick (10 ms) are told apart by their numbers, which are given out in order.
                older = (stat.ticks, stat.pid) < (leader.ticks, leader.pid)
                if older and proc.send(stray, signal.SIGKILL):
                    self.emit("killed", name, f"process {stat.pid} was left behind", pid=stat.pid)

    async def _run(self, spec: PartSpec, probe: Probe) -> bool:
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            env = {**spec.env, MARKER: f"{self.token}:{spec.name}"}
            held = fork_held(Launch(probe.argv, env, str(spec.cwd), null, spec.account))
        finally:
            os.close(null)

        def over(how: str) -> None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(held.pid, signal.SIGKILL)
            if not ended.done():
                ended.set_result(how)

        self.reaper.watch_child(held.pid, over)
        held.release()
        try:
            return await ended == "exit 0"
        finally:
            if held.pid in self.reaper.watched:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(held.pid, signal.SIGKILL)
