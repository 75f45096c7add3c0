"""A platform under test: the real command line as a process, and what the kernel says about what it started."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from lokifi.runtimes.local.supervisor.client import Supervisor

T = TypeVar("T")
HARNESS = Path(__file__).resolve().parent
REPOSITORY = HARNESS.parent.parent
LONGEST = 120.0


def wait_for(condition: Callable[[], T], deadline: float = 10.0, what: str = "") -> T:
    """The first true value of `condition`; fails after `deadline` seconds. A condition that cannot be asked yet is false."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {deadline:g} s: {what or 'the condition'}"
        time.sleep(0.01)
    return value


@dataclass(frozen=True)
class Result:
    """How a command ended and what it said."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The objects of an answer that has one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def said(self) -> str:
        """Output and errors."""
        return self.out + self.err


@dataclass
class Platform:
    """The folder of a platform file, and the environment `development` in it."""

    root: Path
    door: int
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.root / "lokifi.yaml"

    @property
    def folder(self) -> Path:
        return self.root / ".lokifi" / "development"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door}"

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The variables that the command line is called with; None removes one."""
        merged: dict[str, str | None] = {**os.environ, **self.variables, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def start(
        self, *words: str, env: Mapping[str, str | None] | None = None, before: tuple[str, ...] = (), **more: Any
    ) -> subprocess.Popen[str]:
        """The command, under way; `before` are words to put before it."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        argv = [*before, sys.executable, "-m", "lokifi", *words]
        return subprocess.Popen(argv, cwd=self.root, env=self.environment(env), **{**pipes, **more})

    def run(self, *words: str, code: int | None = 0, timeout: float = LONGEST, **more: Any) -> Result:
        """The command, at its end; fails when that is not `code` (None: any)."""
        begun = time.monotonic()
        process = self.start(*words, **more)
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        result = Result(words, process.returncode, out or "", err or "", time.monotonic() - begun)
        shown = f"lokifi {' '.join(words)} ended with {result.code}, not {code}:\n{result.said}"
        assert code is None or result.code == code, shown
        # Of lokifi itself; what a part printed at its end may well be one.
        assert "/lokifi/cli/main.py" not in result.said, shown
        return result

    def status(self) -> dict[str, dict[str, Any]]:
        """What `lokifi status --json` says, by part."""
        return {part["name"]: part for part in self.run("status", "--json").json["parts"]}

    def pids(self) -> dict[str, int]:
        """The process of each part that has one; asked of the files or the supervisor, without the command line."""
        return {state.name: state.pid for state in self.supervisor.states() if state.pid}

    def states(self) -> dict[str, str]:
        """The state of each part, as `pids`."""
        return {state.name: state.state for state in self.supervisor.states()}

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.folder)

    def all_ready(self) -> bool:
        """Whether every part that the supervisor knows is ready."""
        states = self.states()
        return bool(states) and set(states.values()) == {"ready"}

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        """Signal a process of this platform, and after SIGKILL wait until it is gone."""
        assert pid in self.processes(), f"{pid} is no process of this platform"
        os.kill(pid, number)
        if number == signal.SIGKILL:
            wait_for(lambda: not lives(pid), 5, f"{pid} ends")

    def edit(self, old: str, new: str) -> None:
        """Replace text in the platform file."""
        text = self.file.read_text()
        assert old in text, old
        self.file.write_text(text.replace(old, new))

    def events(self) -> list[dict[str, Any]]:
        """The whole history."""
        return self.run("events", "--json").lines

    def processes(self) -> dict[int, str]:
        """Every living process that belongs to this environment, with its command line: by the mark in its variables, by its
        working folder or by a path in its command line."""
        token, here = self._token(), str(self.root)
        found = {}
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                    continue
                words = " ".join(process.cmdline())
                marked = token and token in raw_environment(process.pid)
                if marked or here in words or folder_of(process.pid).startswith(here):
                    found[process.pid] = words
            except psutil.Error:
                continue
        return found

    def gone(self) -> None:
        """Fails when a process of the environment is left."""
        wait_for(lambda: not self.processes(), 3, f"no process is left: {self.processes()}")

    def end(self) -> None:
        """`lokifi down`, and nothing is left; what is left is killed by its number and fails."""
        if not self.folder.exists():
            return
        try:
            self.run("down")
            self.gone()
        finally:
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)

    def keep(self, target: Path) -> None:
        """Copy what tells what happened."""
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        if (self.folder / "logs").is_dir():
            shutil.copytree(self.folder / "logs", target / "logs", ignore_dangling_symlinks=True)
        for path in (self.folder / "events.jsonl", self.folder / "run" / "supervisor.log", self.file):
            if path.is_file():
                shutil.copy(path, target)
        status = self.run("status", "--json", code=None)
        (target / "status.json").write_text(status.out or status.err)

    def _token(self) -> bytes:
        path = self.folder / "run" / "token"
        return b"LOKIFI_PART=" + path.read_bytes() if path.is_file() else b""


def raw_environment(pid: int) -> bytes:
    """The variables of a process as they were at its start; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def folder_of(pid: int) -> str:
    """The working folder of a process; empty when it is gone."""
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


def lives(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Somebody else's program on a port: this process."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen(1)
        yield taken
