"""Real programs for tests: found as the product finds them, started as the stack says, ended by their ids."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from lokifi.contracts import Artefact, Target
from lokifi.kit import process
from lokifi.kit.files import ensure_dir, write_atomic
from lokifi.model.load import load
from lokifi.plan.layout import LocalLayout
from lokifi.plan.resolve import copies_of, ports_of, resolve
from lokifi.plan.stack import Address, Part, Stack, Words
from lokifi.runtimes.local.identity import choose
from lokifi.runtimes.local.programs import Need, Program, fetch, find, search_path
from lokifi.runtimes.local.secrets import written

T = TypeVar("T")
SECRET = "correct horse"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lokifi" / "programs"
NEEDS = {
    "nginx": Need("nginx", (1, 20), features=("stub_status",)),
    "redis-server": Need("redis-server", (6, 2)),
    "prometheus": Need("prometheus", (2, 30)),
    "postgres": Need("postgres", (13,)),
}


@cache
def program(name: str) -> Program:
    """The program of the machine or of the user's cache; fetched into that when it is nowhere."""
    prefix = Path(os.environ.get("LOKIFI_TEST_PROGRAMS") or CACHE)
    found = find(NEEDS[name], prefix, search_path(os.environ.get("PATH", "")))
    if isinstance(found, Program):
        return found
    return fetch([NEEDS[name]], prefix, lambda what, done, total: None, os.environ)[0]


def eventually(condition: Callable[[], T], seconds: float = 10.0, what: str = "") -> T:
    """The first true value of `condition`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, what or "the condition did not come true in time"
        time.sleep(0.005)
    return value


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on, below the range that outgoing connections take theirs from."""
    found: list[int] = []
    for port in random.sample(range(20000, 32000), 2000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            break
    return found


def stack_of(text: str, root: Path) -> Stack:
    """The stack of a platform file written into `root`, on free ports."""
    for folder in ("api", "site", "admin"):
        ensure_dir(root / folder)
    (root / "lokifi.yaml").write_text(text)
    project = load(root / "lokifi.yaml")
    copies = copies_of(project.platform, {})
    names = ports_of(project.platform, copies)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    door = Address("127.0.0.1", ports["edge.http"])
    return resolve(project, LocalLayout(str(root), project.environment, ports, door, "nobody"), copies)


def joined(words: Words, secret: str = SECRET) -> str:
    """The words with `secret` in every secret's place, written as the product writes it there."""
    return "".join(word if isinstance(word, str) else written(secret, word) for word in words)


def place(target: Target, stack: Stack, root: Path) -> list[Path]:
    """Write what the target renders to where the parts look for it, and make their folders."""
    config = root / ".lokifi" / stack.environment / "config"
    placed = []
    for artefact in target.render(stack).artefacts:
        path = config / artefact.path
        ensure_dir(path.parent)
        write_atomic(path, joined(artefact.text), artefact.mode)
        placed.append(path)
    for part in stack.parts.values():
        ensure_dir(Path(part.folder))
    return placed


def checked(artefact: Artefact, path: Path, folder: Path) -> process.Completed:
    """What the artefact's own checker says of the file."""
    owner = "prometheus" if artefact.checker[0] == "promtool" else artefact.checker[0]
    found = program(owner)
    binary = found.path if owner == artefact.checker[0] else found.sibling(artefact.checker[0])
    words = [word.replace("{}", str(path)) for word in artefact.checker[1:]]
    return process.run([*choose(folder).prefix, binary, *words], env=_env(found), cwd=folder, timeout=30)


@dataclass
class Started:
    """A running part; what it writes is in `log`."""

    pid: int
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")


@contextmanager
def running(part: Part, root: Path, name: str = "") -> Iterator[Started]:
    """The part, started with its own arguments in its own folder; ended with its own signal, killed after 20 s."""
    found = program(part.argv[0])
    log = root / f"{name or part.name}.log"
    words = [*choose(root).prefix, str(found.path), *part.argv[1:]]
    with log.open("ab") as output:
        child = subprocess.Popen(
            words,
            cwd=part.folder,
            env=_env(found),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Started(child.pid, log)
    finally:
        child.send_signal(signal.Signals[f"SIG{part.stop}"])
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise


def _env(found: Program) -> Mapping[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", **found.environment}


def ready(part: Part) -> bool:
    """Whether the part answers its readiness probe of bytes as it must."""
    check = part.health.ready
    assert check is not None and check.kind == "tcp"
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((check.address.host, check.address.port)):
            return False
        probe.sendall(check.send)
        return probe.recv(64).startswith(check.expect)


def listening(address: Address) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address.host, address.port)) == 0
