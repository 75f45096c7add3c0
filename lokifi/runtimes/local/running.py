"""The running platform on this machine: status, logs, history, and a door into each part."""

from __future__ import annotations

import heapq
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from lokifi.contracts import Event, LogLine, PartStatus
from lokifi.kit.errors import UsageError
from lokifi.kit.process import attach
from lokifi.plan.parts import postgres, redis
from lokifi.plan.stack import Part, SecretRef, Stack
from lokifi.runtimes.local import environment, history
from lokifi.runtimes.local.place import Place
from lokifi.runtimes.local.supervisor import logs
from lokifi.runtimes.local.supervisor.spec import PartSpec, PartState
from lokifi.runtimes.local.supervisor.store import Store

SHELL = "/bin/sh"
TERMINAL = {"TERM": "xterm-256color"}
RESTART_PATIENCE = 60.0


@dataclass(frozen=True)
class LocalRunning:
    """What `contracts.Running` promises, and what only this machine can do: `execute`, `shell`, `signal`."""

    place: Place
    stack: Stack

    def heal(self) -> bool:
        """Bring a supervisor back that died while parts were running; True when one had to be."""
        if self.place.supervisor.running() or not self.place.supervisor.states():
            return False
        self.place.supervisor.start()
        return True

    def status(self) -> list[PartStatus]:
        """Every part of the stack in its order, then what still runs beside it."""
        states = {state.name: state for state in self.place.supervisor.states()}
        known = [_status(part, states.get(part.name)) for part in self.stack.parts.values()]
        beside = [state for name, state in states.items() if name not in self.stack.parts]
        return known + [PartStatus(s.name, s.name, s.state, s.pid or 0, reason="is not in the file") for s in beside]

    def logs(self, parts: Sequence[str], since: float | None, follow: bool) -> Iterator[LogLine]:
        """Kept lines of `parts` in the order of their times, then, with `follow`, new ones as they come."""
        names = list(parts) or sorted(path.stem for path in self.place.folder.logs.glob("*.log"))
        kept = [logs.read(self.place.folder.path, name, since) for name in names]
        last = since
        for line in heapq.merge(*kept, key=_moment):
            last = max(last or 0.0, _moment(line))
            yield LogLine(line.part, _moment(line), line.text)
        if follow:
            yield from self._follow(names)

    def _follow(self, names: Sequence[str]) -> Iterator[LogLine]:
        lines: SimpleQueue[logs.Line] = SimpleQueue()

        def pump(name: str) -> None:
            for line in logs.read(self.place.folder.path, name, time.time(), follow=True):
                lines.put(line)

        for name in names:
            threading.Thread(target=pump, args=(name,), daemon=True).start()
        while True:
            line = lines.get()
            yield LogLine(line.part, _moment(line), line.text)

    def tail(self, part: str, count: int) -> list[LogLine]:
        """The last lines of one part."""
        return [LogLine(line.part, _moment(line), line.text) for line in logs.tail(self.place.folder.path, part, count)]

    def events(self, since: float | None = None, follow: bool = False) -> Iterator[Event]:
        """The history."""
        return history.read(self.place.folder.path, since, follow)

    def restart(self, part: str) -> None:
        """Stop and start one part; returns when it is ready."""
        self.place.supervisor.restart(part)
        self.place.supervisor.wait(part, RESTART_PATIENCE)

    def signal(self, part: str, name: str) -> None:
        """Send the signal `name` (as `HUP`) to a part."""
        self.place.supervisor.signal(part, signal.Signals[f"SIG{name}"])

    def execute(self, part: str, argv: Sequence[str]) -> int:
        """Run a command on this terminal as the part runs: its environment, folder and account."""
        spec = self._spec(part)
        words = (*self.place.identity.prefix, *argv)
        return attach(words, cwd=spec.cwd, env={**spec.env, **TERMINAL}, user=self.place.identity.account)

    def shell(self, part: str) -> int:
        """A shell that fits the part: psql, redis-cli, else sh in its environment."""
        kind = self.stack.parts[part].kind if part in self.stack.parts else ""
        address = self.stack.parts[part].ports.get("http") if kind else None
        if kind == "postgres" and address:
            name = postgres.database_of(self.stack.platform.platform)
            words = ("psql", "-h", address.host, "-p", str(address.port), "-U", name, name)
            return self._client(part, words, {"PGPASSWORD": self.place.vault.join((SecretRef(postgres.PASSWORD),))})
        if kind == "redis" and address:
            words = ("redis-cli", "-h", address.host, "-p", str(address.port), "--user", redis.USER, "--no-auth-warning")
            return self._client(part, words, {"REDISCLI_AUTH": self.place.vault.join((SecretRef(redis.PASSWORD),))})
        return self.execute(part, (SHELL,))

    def _client(self, part: str, words: tuple[str, ...], own: dict[str, str]) -> int:
        program, needed = self.place.tools.path(words[0], self.stack.parts[part].minimum)
        env = environment.of_part(self.place.folder.path, [program.parent], {**needed, **own})
        return attach((str(program), *words[1:]), cwd=self.place.folder.path, env=env | TERMINAL)

    def _spec(self, part: str) -> PartSpec:
        wish = Store(self.place.folder.run).wish(part)
        if wish is None:
            raise UsageError(f"{part} does not run", hint="'lokifi up' starts it")
        return wish.spec


def _moment(line: logs.Line) -> float:
    return line.time or 0.0


def _status(part: Part, state: PartState | None) -> PartStatus:
    if state is None:
        return PartStatus(part.name, part.group, "stopped", ports=part.ports, url=part.url)
    return PartStatus(
        part.name,
        part.group,
        state.state,
        state.pid or 0,
        state.restarts,
        state.started_at or 0.0,
        state.since,
        state.last_exit,
        part.ports,
        part.url,
    )
