"""Talk to the supervisor of an environment folder, start it, or read what a dead one left."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from lokifi.kit import proc
from lokifi.kit.errors import RuntimeFailed
from lokifi.kit.files import ensure_dir
from lokifi.kit.process import detach
from lokifi.runtimes.local.supervisor.control import connect, encode, result
from lokifi.runtimes.local.supervisor.spec import JSON, PartSpec, PartState, state_from_json, to_json
from lokifi.runtimes.local.supervisor.store import Store

PROGRAM = Path(__file__).with_name("__main__.py")
SOMEBODY_ELSE = 75
PATIENCE = 10.0
GLANCE = 0.01
# Without site-packages the start is quicker; where there is no /proc, psutil lives there.
FLAGS = ("-I", "-S") if Path("/proc/self/stat").exists() else ("-I",)


class Gone(RuntimeFailed):
    """The supervisor ended, or hangs, with a question open."""


class Supervisor:
    """The supervisor of `folder` (`.lokifi/<environment>`), whether it runs or not.

    Every method raises `RuntimeFailed` when the supervisor does not answer or the operation failed,
    and `UsageError` for an unknown part or a spec that cannot be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.run = self.folder / "run"

    def running(self) -> bool:
        """Tell whether a supervisor answers."""
        try:
            connect(self.run, PATIENCE).close()
        except OSError:
            return False
        return True

    def pid(self) -> int:
        """Return the number of the supervisor's process."""
        return int(cast(int, self._ask({"do": "pid"})))

    def start(self) -> None:
        """Make sure that one supervisor lives; it adopts what a dead one left. Safe to call twice at once.

        Raises `Refused`, and touches nothing, when a newer lokifi wrote the files.
        """
        if not self.running():
            self._folders()
            store = Store(self.run)
            for name in store.names():
                store.wish(name)
            self._launch()

    def left(self) -> bool:
        """Tell whether parts are on file, intact or not: then a start adopts, or ends, what runs of them."""
        return bool(Store(self.run).names())

    def put(self, spec: PartSpec) -> None:
        """Start `spec`, or replace the running part when the digest differs; else nothing is touched.

        Returns when the new process exists; whether it is ready, `wait` tells.
        """
        self._ask({"do": "put", "spec": to_json(spec)})

    def stop(self, name: str) -> None:
        """Stop the part: its signal, its grace, then SIGKILL to all it started; returns when it is gone."""
        self._ask({"do": "stop", "name": name})

    def forget(self, name: str) -> None:
        """Stop the part and drop it from the states; its log stays."""
        self._ask({"do": "forget", "name": name})

    def signal(self, name: str, sig: int) -> None:
        """Send the signal to the leader of the part, as for a reload."""
        self._ask({"do": "signal", "name": name, "signal": int(sig)})

    def restart(self, name: str) -> None:
        """Stop the part gracefully and start it anew."""
        self._ask({"do": "restart", "name": name})

    def states(self) -> list[PartState]:
        """Return how every part is. Without a supervisor: what is on file, checked against the processes.

        Starts and writes nothing. Raises `Refused` when a newer lokifi wrote the files.
        """
        try:
            connection = connect(self.run, PATIENCE)
        except OSError:
            return self._states_on_file()
        try:
            with connection:
                found = cast(list[object], _converse(connection, {"do": "states"}))
        except Gone:
            return self._states_on_file()
        return [state_from_json(one) for one in found]

    def wait(self, name: str, timeout: float) -> PartState:
        """Return once the part is ready; `timeout` in seconds.

        Raises `TimedOut`, or `RuntimeFailed` at once when the part is stopped or has crashed three times.
        """
        return state_from_json(self._ask({"do": "wait", "name": name, "timeout": timeout}))

    def shutdown(self) -> None:
        """Stop all parts, higher orders first, leave no process and no supervisor; fine when none lives."""
        try:
            connection = connect(self.run)
        except OSError:
            if Store(self.run).names():
                self._launch("down")
            return
        try:
            with connection:
                _converse(connection, {"do": "shutdown"})
                while connection.recv(4096):
                    pass
        except Gone:
            return self.shutdown() if self.running() else self._launch("down")
        except ConnectionError:
            pass
        deadline = time.monotonic() + PATIENCE
        while self.running() and time.monotonic() < deadline:
            time.sleep(GLANCE)

    def subscribe(self) -> Iterator[dict[str, Any]]:
        """Yield events as they happen, until the supervisor ends or the iterator is closed."""
        with self._connect() as connection:
            connection.sendall(encode({"do": "subscribe"}))
            with connection.makefile("rb") as lines:
                result(json.loads(lines.readline() or b"{}"))
                for line in lines:
                    message = json.loads(line)
                    if "event" in message:
                        yield message["event"]

    def _folders(self) -> None:
        # Only `run` must be private; whoever made the others knows which mode they need.
        for path, mode in ((self.folder, 0o755), (self.folder / "logs", 0o700)):
            if not path.is_dir():
                ensure_dir(path, mode)
        ensure_dir(self.run, 0o700)

    def _launch(self, *how: str) -> None:
        argv = [sys.executable, *FLAGS, PROGRAM, self.folder, *how]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            code = detach(argv, output=self.run / "supervisor.log", cwd=self.run, env={"LC_ALL": "C.UTF-8"})
            if code == 0 or (code == SOMEBODY_ELSE and self.running()):
                return self.shutdown() if how and code else None
            if code != SOMEBODY_ELSE:
                break
            time.sleep(GLANCE)
        raise RuntimeFailed("the supervisor did not start", hint=f"see {self.run / 'supervisor.log'}")

    def _states_on_file(self) -> list[PartState]:
        store, found = Store(self.run), []
        for name in store.names():
            wish, record = store.wish(name), store.record(name)
            state = record.state if record else PartState(name, "stopped")
            living = record is not None and record.leader is not None and proc.alive(record.leader)
            if not living:
                state = replace(state, state="stopped", pid=None, next_try_in=None)
            if wish is not None or living:
                found.append(state)
        return found

    def _connect(self) -> socket.socket:
        try:
            return connect(self.run)
        except OSError as error:
            raise RuntimeFailed("no supervisor runs here", hint="'lokifi up' starts it") from error

    def _ask(self, request: JSON) -> object:
        with self._connect() as connection:
            return _converse(connection, request)


def _converse(connection: socket.socket, request: JSON) -> object:
    try:
        connection.sendall(encode(request))
        with connection.makefile("rb") as lines:
            line = lines.readline()
    except OSError as error:
        raise Gone(f"the supervisor does not answer: {os.strerror(error.errno or 0)}") from error
    if not line.endswith(b"\n"):
        raise Gone("the supervisor ended before it answered", hint="run the command again")
    return result(json.loads(line))
