"""The life of one part: start, probe, end, pause, again — until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import time
from dataclasses import replace
from functools import partial

from lokifi.kit import proc
from lokifi.kit.errors import RuntimeFailed
from lokifi.kit.proc import Identity
from lokifi.kit.spawn import Launch, fork_held
from lokifi.runtimes.local.supervisor.keeper import Keeper
from lokifi.runtimes.local.supervisor.probe import draw_phase
from lokifi.runtimes.local.supervisor.spec import PartSpec, PartState, Phase
from lokifi.runtimes.local.supervisor.store import Record, Wish
from lokifi.runtimes.local.supervisor.watch import Watch
from lokifi.runtimes.local.supervisor.yard import MARKER, Yard

LONG_ENOUGH = 10.0  # up this long, an end is an accident, not a crash loop
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 60.0
CRASHING_AFTER = 3
LEFTOVERS_GRACE = 2.0
KILL_DEADLINE = 5.0
TICK = 0.002


class Part:
    """One program kept alive. `start` and `stop` are serialised by whoever holds `lock`."""

    def __init__(self, wish: Wish, record: Record | None, yard: Yard) -> None:
        self.spec = wish.spec
        self.wanted = wish.wanted
        self.yard = yard
        self.lock = asyncio.Lock()
        self.keeper = Keeper(wish.spec.log)
        self.leader: Identity | None = None
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.life: asyncio.Task[None] | None = None
        self.watch: Watch | None = None
        self.watching: asyncio.Task[None] | None = None
        self.replacing: asyncio.Task[None] | None = None
        self.stopping = False
        self.doom = ""
        self.born = 0.0
        self.phase = draw_phase()
        self.next_try: float | None = None
        self.leftovers: list[Identity] = []
        # What a dead leader left (its session, its group) is found by who it was.
        self.last_leader = record.leader if record else None
        self.quick = record.quick if record else 0
        self.generation = record.generation if record else 0
        self.state = replace(
            record.state if record else PartState(wish.spec.name, "stopped", since=time.time()),
            state="stopped",
            pid=None,
            adopted=False,
            next_try_in=None,
        )

    @property
    def name(self) -> str:
        """The name of the part."""
        return self.spec.name

    def now(self) -> PartState:
        """Return the state, with the time left until the next try."""
        if self.next_try is None:
            return self.state
        return replace(self.state, next_try_in=max(0.0, round(self.next_try - _clock(), 3)))

    def adopt(self, record: Record) -> None:
        """Take over the living process on record, which an earlier supervisor started."""
        assert record.leader is not None
        self.leader = record.leader
        self.yard.leaders[self.name] = record.leader
        self.born = _clock() - proc.uptime(record.leader)
        self.ended = asyncio.get_running_loop().create_future()
        phase = record.state.state if record.state.state in ("ready", "unready", "crashing") else "starting"
        self._enter(phase, pid=record.leader.pid, adopted=True)
        self.keeper.adopt(record.leader.pid)
        self.yard.reaper.watch_other(record.leader, self._on_end)
        self.yard.emit("adopted", self.name, f"adopted process {record.leader.pid}", pid=record.leader.pid)

    def start(self) -> None:
        """Begin, or after `adopt` go on, to keep it alive."""
        self.stopping = False
        if self.life is None or self.life.done():
            self.life = asyncio.create_task(self._live(), name=self.name)
            self.life.add_done_callback(self._life_ended)

    def change(self, spec: PartSpec) -> None:
        """Take over probes and stopping of `spec` without touching the process."""
        self.spec = spec
        if self.watching is not None and self.leader is not None:
            self._watch()

    def send(self, number: int) -> None:
        """Signal the leader. Raises `RuntimeFailed` when there is none."""
        if self.leader is None or not proc.send(self.leader, number):
            raise RuntimeFailed(f"{self.name} is not running", hint=f"it is {self.state.state}")

    async def stop(self) -> None:
        """Ask the leader to stop, after its grace kill all that is left; return when nothing lives.

        Raises `RuntimeFailed` when a process does not even die of SIGKILL (stuck in the kernel).
        """
        self.stopping = True
        if self.life is not None:
            self.life.cancel()
            await asyncio.wait({self.life})
        self.next_try = None
        if self.leader is not None or self.leftovers:
            self._enter("stopping")
        deadline = _clock() + self.spec.grace
        if self.leader is not None:
            self._ask_to_stop(self.leader)
            await asyncio.wait({self.ended}, timeout=self.spec.grace)
        rest = self._family()
        for who in rest:
            self._ask_to_stop(who)
        await self._gone(rest, min(LEFTOVERS_GRACE, deadline - _clock()))
        await self._kill_all()
        if self.leader is not None:
            await asyncio.wait({self.ended}, timeout=KILL_DEADLINE)
        self._forget_leader()
        if self.state.state != "stopped":
            self._enter("stopped", pid=None)
            self.yard.emit("stopped", self.name, f"stopped ({self.state.last_exit or 'had not run'})")

    async def _live(self) -> None:
        while True:
            if self.leader is None:
                if not self.spec.argv:
                    return self._enter("stopped", pid=None)
                how = self._launch()
            else:
                how = ""
            if not how:
                self._watch()
                try:
                    await asyncio.wait({self.ended})
                finally:
                    if self.watching is not None:
                        self.watching.cancel()
                how = self.ended.result()
            pause = self._judge(how)
            await self._gone(self.leftovers, KILL_DEADLINE)
            await self._group_gone()
            self.leftovers = []
            if pause:
                self.next_try = _clock() + pause
                await asyncio.sleep(pause)
                self.next_try = None

    def _launch(self) -> str:
        """Fork, record, release; return why not, when that fails."""
        try:
            self._fork()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                return f"cannot start: {error.strerror}"
            self.yard.shed()
            try:
                self._fork()
            except OSError as again:
                return f"cannot start: {again.strerror}"
        return ""

    def _fork(self) -> None:
        spec = self.spec
        output = self.keeper.open_for_part(spec.uid, spec.gid)
        try:
            env = {**spec.env, MARKER: f"{self.yard.token}:{spec.name}"}
            held = fork_held(Launch(spec.argv, env, str(spec.cwd), output, spec.account, spec.nofile))
        finally:
            os.close(output)
        self.doom, self.born = "", _clock()
        self.ended = asyncio.get_running_loop().create_future()
        self.leader = proc.identify(held.pid) or Identity(held.pid, 0, proc.BOOT)
        self.yard.leaders[self.name] = self.leader
        self.yard.reaper.watch_child(held.pid, self._on_end)
        phase: Phase = "crashing" if self.quick >= CRASHING_AFTER else "starting"
        digest = spec.fingerprint
        self._enter(phase, pid=held.pid, digest=digest, adopted=False, started_at=time.time())
        held.release()
        if self.last_leader in self.yard.narrow:
            self.yard.unswept[self.name] = self.leader
        self._say("started", f"started as process {held.pid}", pid=held.pid)

    def _on_end(self, how: str) -> None:
        """Called while the leader is still a zombie: its group cannot be anybody else's yet."""
        leader = self.leader
        if leader is None:
            return
        if not self.stopping:
            if not self.state.adopted:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(leader.pid, signal.SIGKILL)
            if self.state.adopted or leader not in self.yard.narrow:
                self.leftovers = [who for who in self._family() if proc.send(who, signal.SIGKILL)]
        self._forget_leader()
        self.state = replace(self.state, last_exit=self.doom or how)
        if not self.ended.done():
            self.ended.set_result(self.doom or how)

    def _judge(self, how: str) -> float:
        """Count the end, say so, and return the pause before the next try."""
        up = _clock() - self.born
        hung = how.startswith("hung") and self.watch is not None and self.watch.alive_once
        self.quick = 0 if up >= LONG_ENOUGH or hung else self.quick + 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.quick - 1, 20)) if self.quick else 0.0
        crashing = self.quick >= CRASHING_AFTER
        was = self.state.state
        restarts = self.state.restarts + 1
        phase: Phase = "crashing" if crashing else "restarting"
        # The next process comes first: without a pause its own record follows at once.
        self._enter(phase, save=pause > 0, pid=None, last_exit=how[:200], restarts=restarts)
        self._say("exited", f"ended after {up:.1f} s: {how}", how=how)
        if crashing and (was != "crashing" or self.quick == CRASHING_AFTER):
            text = f"ended {self.quick} times in a row within {LONG_ENOUGH:g} s, last: {how}"
            self._say("crashing", text)
        return pause

    def answered_ready(self, phase: Phase) -> None:
        """Note what the watch has found."""
        if self.state.state == phase or self.leader is None or self.stopping:
            return
        self._enter(phase)
        self.yard.emit(phase, self.name, f"is {phase}")

    def answered_dead(self, reason: str) -> None:
        """Kill the process that the watch has given up; its end starts the next one."""
        if self.leader is not None and not self.stopping:
            self.doom = reason
            self.yard.emit("hung", self.name, reason)
            proc.send(self.leader, signal.SIGKILL)

    def _watch(self) -> None:
        if self.watching is not None:
            self.watching.cancel()
        self.watch = Watch(self.yard, self.spec, self, born=self.born, phase=self.phase)
        questions = self.watch.run(
            started=self.state.state in ("ready", "unready"),
            settled=self.state.adopted,
            crashing=self.quick >= CRASHING_AFTER,
        )
        self.watching = asyncio.create_task(questions)
        self.watching.add_done_callback(self._watch_ended)

    def _watch_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.yard.emit("bug", self.name, f"its probes failed and are begun again: {task.exception()!r}")
            asyncio.get_running_loop().call_later(1.0, self._watch_again, task)

    def _watch_again(self, failed: asyncio.Task[None]) -> None:
        if self.leader is not None and self.watching is failed and not self.stopping:
            self._watch()

    def _say(self, kind: str, text: str, **more: object) -> None:
        """Emit as soon as the present work is done, in order."""
        say = partial(self.yard.emit, kind, self.name, text, **more)
        asyncio.get_running_loop().call_soon(say)

    def _enter(self, phase: str, save: bool = True, **more: object) -> None:
        since = self.state.since if phase == self.state.state else time.time()
        self.state = replace(self.state, state=phase, since=since, **more)  # type: ignore[arg-type]
        if not save:
            return
        self.generation += 1
        try:
            self.yard.store.save_record(Record(self.state, self.leader, self.quick, self.generation))
        except OSError as error:
            self.yard.emit("record-failed", self.name, f"cannot record: {error.strerror}")
        self.yard.announce()

    def _ask_to_stop(self, who: Identity) -> None:
        if proc.send(who, self.spec.stop_number):
            # A stopped process takes its signal only when it goes on.
            proc.send(who, signal.SIGCONT)

    async def _gone(self, those: list[Identity], seconds: float) -> bool:
        deadline = _clock() + seconds
        while any(proc.alive(who) for who in those):
            if _clock() > deadline:
                return False
            await asyncio.sleep(TICK)
        return True

    async def _group_gone(self) -> None:
        """Wait for the killed group to be empty; what it held (ports, locks) is free then."""
        deadline = _clock() + KILL_DEADLINE
        while self.last_leader is not None and _clock() < deadline:
            try:
                # Signal 0 asks and does nothing, so that it does no harm should the number be reused.
                os.killpg(self.last_leader.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            await asyncio.sleep(TICK / 4)

    async def _kill_all(self) -> None:
        deadline = _clock() + KILL_DEADLINE
        while rest := self._family():
            for who in rest:
                proc.send(who, signal.SIGKILL)
            await self._gone(rest, TICK * 10)
            if _clock() > deadline:
                numbers = ", ".join(str(who.pid) for who in rest)
                raise RuntimeFailed(f"{self.name}: SIGKILL does not end {numbers}", hint="stuck in the kernel")

    def _family(self) -> list[Identity]:
        return self.yard.family(self.name, self.leader or self.last_leader)

    def _forget_leader(self) -> None:
        self.last_leader = self.leader or self.last_leader
        self.leader = None
        self.yard.leaders.pop(self.name, None)

    def _life_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        self.yard.emit("bug", self.name, f"the supervision failed and goes on: {task.exception()!r}")
        asyncio.get_running_loop().call_later(1.0, self._resume)

    def _resume(self) -> None:
        if not self.stopping:
            self.start()


def _clock() -> float:
    """Seconds on a clock that nobody can set."""
    return time.monotonic()
