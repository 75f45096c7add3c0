"""Every part of an environment, and what can be asked of them."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from lokifi.kit import proc
from lokifi.kit.errors import RuntimeFailed, TimedOut, UsageError
from lokifi.runtimes.local.supervisor.control import encode
from lokifi.runtimes.local.supervisor.keeper import Keeper
from lokifi.runtimes.local.supervisor.part import Part
from lokifi.runtimes.local.supervisor.spec import (
    JSON,
    PartSpec,
    check_name,
    spec_from_json,
    to_json,
)
from lokifi.runtimes.local.supervisor.store import Record, Wish
from lokifi.runtimes.local.supervisor.yard import Subscriber, Yard

HOUSEKEEPING = 1.0
FAMILIES_EVERY = 5
SHED_FOR = 10

log = logging.getLogger("supervisor")


class Keepalive:
    """The supervisor proper: adopts, keeps, answers."""

    def __init__(self, folder: Path, token: str) -> None:
        self.yard = Yard(folder, token)
        self.yard.shed = self._shed
        self.parts: dict[str, Part] = {}
        self.closed = asyncio.Event()
        self.ending: asyncio.Task[None] | None = None
        self.closing = False
        self.without_logs = 0
        self.own_log = Keeper(folder / "run" / "supervisor.log")

    def adopt(self, keep: bool = True) -> None:
        """Take over what an earlier supervisor left: the living are adopted, the dead started (if `keep`).

        Wishes of another boot of the machine are on hold until somebody puts them again: the order in
        which parts must start is known above. What carries a part's mark but is not on record is killed.
        """
        store = self.yard.store
        for name in store.names():
            wish, record = store.wish(name), store.record(name)
            living = record is not None and record.leader is not None and proc.alive(record.leader)
            if wish is None:
                self.yard.emit("damaged", name, "both generations of its file are damaged")
                if record is None or not living:
                    self._kill_nameless(name)
                    store.forget(name)
                    continue
                wish = _unknown(name, record, self.yard.folder)
            part = self.parts[name] = Part(wish, record, self.yard)
            part.wanted = wish.wanted and (wish.boot == proc.BOOT or living)
            if living and record is not None:
                part.adopt(record)
        if store.closing():
            # Killed in the middle of a shutdown: nothing that it was to stop is wanted any more.
            for part in self.parts.values():
                self._save(part, wanted=False)
            store.end_closing()
        self._kill_unrecorded()
        if keep:
            for part in self.parts.values():
                if part.wanted:
                    part.start()
                    self._replace_if_outdated(part)

    async def handle(self, request: JSON, writer: asyncio.StreamWriter) -> object:
        """Do what a request says. Raises a LokifiError that goes back to the client."""
        commands: dict[str, Callable[[JSON], Awaitable[object]]] = {
            "put": self._put,
            "stop": self._stop,
            "forget": self._forget,
            "restart": self._restart,
            "signal": self._signal,
            "states": self._states,
            "wait": self._wait,
            "shutdown": self._shutdown,
        }
        if request["do"] == "subscribe":
            await self._subscribe(writer)
            return None
        if request["do"] == "pid":
            return os.getpid()
        if request["do"] not in commands:
            raise UsageError(f"the supervisor knows no {request['do'][:40]!r}")
        return await commands[request["do"]](request)

    async def keep_house(self) -> None:
        """Look after the logs and the families, once a second; a full disk or no descriptor is endured."""
        tick = 0
        while True:
            await asyncio.sleep(HOUSEKEEPING)
            tick += 1
            if Path().stat().st_nlink == 0 and self.ending is None:
                # Its folder, where it stands, was removed: nobody can reach it or its parts any more.
                self.ending = asyncio.create_task(self.shutdown())
            self.yard.sweep()
            if tick % FAMILIES_EVERY == 0:
                self.yard.remember_families()
            if self.without_logs > 0:
                self.without_logs -= 1
                continue
            await self._keep_log("", self.own_log)
            for part in list(self.parts.values()):
                await self._keep_log(part.name, part.keeper)

    async def shutdown(self) -> None:
        """Stop all, higher orders first and each order at once, until no process is left.

        Raises `RuntimeFailed` when something does not die.
        """
        self.closing = True
        self.yard.store.begin_closing()
        failed: list[BaseException] = []
        for order in sorted({part.spec.order for part in self.parts.values()}, reverse=True):
            group = [part for part in self.parts.values() if part.spec.order == order]
            ends = await asyncio.gather(*map(self._stop_part, group), return_exceptions=True)
            failed += [end for end in ends if isinstance(end, BaseException)]
        while orphans := proc.children(os.getpid()):
            for who in orphans:
                proc.send(who, signal.SIGKILL)
            await asyncio.sleep(0.005)
        if failed:
            raise RuntimeFailed("; ".join(str(error) for error in failed))
        for name in self.parts:
            self.yard.store.forget(name)
        self.yard.store.end_closing()
        self.closed.set()

    async def _put(self, request: JSON) -> None:
        spec = spec_from_json(request.get("spec"))
        if self.closing:
            raise RuntimeFailed("the supervisor is shutting down")
        part = self.parts.get(spec.name)
        wish = Wish(spec, True, proc.BOOT)
        if part is None:
            self.yard.store.save_wish(wish)
            if spec.name in self.parts:
                return await self._put(request)
            part = self.parts[spec.name] = Part(wish, None, self.yard)
        async with part.lock:
            same = part.wanted and part.leader is not None and part.state.digest == spec.fingerprint
            if part.spec != spec or not part.wanted:
                self.yard.store.save_wish(wish)
            part.wanted = True
            if same:
                if part.spec != spec:
                    part.change(spec)
                return
            await part.stop()
            part.spec, part.quick = spec, 0
            part.keeper.path = spec.log
            part.start()
            await asyncio.sleep(0)

    async def _stop(self, request: JSON) -> None:
        part = self._named(request)
        self._save(part, wanted=False)
        await self._stop_part(part)

    async def _forget(self, request: JSON) -> None:
        await self._stop(request)
        part = self._named(request)
        part.keeper.shed()
        self.yard.store.forget(part.name)
        del self.parts[part.name]

    async def _restart(self, request: JSON) -> None:
        part = self._named(request)
        async with part.lock:
            self._save(part, wanted=True)
            await part.stop()
            part.quick = 0
            part.start()
            await asyncio.sleep(0)

    async def _signal(self, request: JSON) -> None:
        number = request.get("signal")
        if not isinstance(number, int) or number not in signal.valid_signals():
            raise UsageError(f"there is no signal {number!r}")
        self._named(request).send(number)

    async def _states(self, request: JSON) -> list[JSON]:
        return [to_json(part.now()) for _, part in sorted(self.parts.items())]

    async def _wait(self, request: JSON) -> JSON:
        """Answer when the part is ready. Raises at once when it is stopped or crashes again and again."""
        part = self._named(request)
        deadline = time.monotonic() + float(request.get("timeout", 60.0))
        while part.state.state != "ready":
            if part.state.state in ("stopped", "stopping"):
                raise RuntimeFailed(f"{part.name} is {part.state.state}", hint=part.state.last_exit)
            if part.state.state == "crashing":
                text = f"{part.name} ended {part.quick} times before it was ready, last: {part.state.last_exit}"
                raise RuntimeFailed(text, hint=f"see 'lokifi logs {part.name}'")
            left = deadline - time.monotonic()
            if left <= 0:
                text = f"{part.name} was not ready in time, it is {part.state.state}"
                raise TimedOut(text, hint=f"see 'lokifi logs {part.name}'")
            try:
                async with asyncio.timeout(left):
                    await self.yard.changed.wait()
            except TimeoutError:
                continue
        return to_json(part.now())

    async def _shutdown(self, request: JSON) -> None:
        await self.shutdown()

    async def _subscribe(self, writer: asyncio.StreamWriter) -> None:
        listener = Subscriber()
        self.yard.subscribers.add(listener)
        try:
            writer.write(encode({"result": "listening"}))
            while not writer.is_closing():
                while listener.waiting:
                    writer.write(encode({"event": listener.waiting.popleft()}))
                await writer.drain()
                listener.woken.clear()
                await listener.woken.wait()
        finally:
            self.yard.subscribers.discard(listener)

    def _named(self, request: JSON) -> Part:
        name = check_name(str(request.get("name", "")))
        if name not in self.parts:
            raise UsageError(f"there is no part {name!r}", hint=f"there are {', '.join(sorted(self.parts)) or 'none'}")
        return self.parts[name]

    def _save(self, part: Part, wanted: bool) -> None:
        if part.wanted != wanted and part.spec.argv:
            self.yard.store.save_wish(Wish(part.spec, wanted, proc.BOOT))
        part.wanted = wanted

    async def _stop_part(self, part: Part) -> None:
        async with part.lock:
            await part.stop()

    def _replace_if_outdated(self, part: Part) -> None:
        """Killed between writing the new wish and stopping the old process: do it now."""
        if part.leader is not None and part.state.digest != part.spec.fingerprint:

            async def replace() -> None:
                async with part.lock:
                    await part.stop()
                    part.start()

            part.replacing = asyncio.create_task(replace())

    def _kill_nameless(self, name: str) -> None:
        """Nothing is known of a part but its name: end what bears its mark or writes its log."""
        log_file = self.yard.folder / "logs" / f"{name}.log"
        for who in {*self.yard.family(name, None), *proc.printers(log_file)}:
            if proc.send(who, signal.SIGKILL):
                self.yard.emit("killed", name, f"process {who.pid} was left behind", pid=who.pid)

    def _kill_unrecorded(self) -> None:
        recorded = {part.leader for part in self.parts.values()} - {None}
        safe = {who.pid for who in recorded if who is not None}
        for name, part in self.parts.items():
            if part.leader is None:
                for who in self.yard.family(name, part.last_leader):
                    if who.pid not in safe and proc.send(who, signal.SIGKILL):
                        self.yard.emit("killed", name, f"process {who.pid} was left behind", pid=who.pid)

    async def _keep_log(self, name: str, keeper: Keeper) -> None:
        try:
            if keeper.look():
                await keeper.rotate()
                self.yard.emit("rotated", name, "its log was rotated")
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._shed()
            elif error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.ENOENT):
                log.warning("log of %s: %s", name, error.strerror)

    def _shed(self) -> None:
        """Descriptors are short: do without looking after the logs for a while."""
        self.own_log.shed()
        for part in self.parts.values():
            part.keeper.shed()
        if self.without_logs <= 0:
            self.without_logs = SHED_FOR
            self.yard.emit("shed", "", "descriptors are short: logs are not rotated for a while")


def _unknown(name: str, record: Record, folder: Path) -> Wish:
    spec = PartSpec(name, (), {}, Path("/"), folder / "logs" / f"{name}.log", digest=record.state.digest)
    return Wish(spec, True, proc.BOOT)
