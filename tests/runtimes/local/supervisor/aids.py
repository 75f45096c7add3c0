"""What the tests of the supervisor share: waiting for a condition, ports, looking at processes."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lokifi.kit import proc
from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.supervisor.spec import PartSpec, PartState

T = TypeVar("T")
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
MakeSpec = Callable[..., PartSpec]

# Answers 200 to everything until the file named by its second argument exists, then 503.
WEB = """
import os, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(64)
while True:
    c, _ = s.accept()
    c.recv(4096)
    bad = len(sys.argv) > 2 and os.path.exists(sys.argv[2])
    c.sendall(b"HTTP/1.1 503 No\\r\\n\\r\\n" if bad else b"HTTP/1.1 200 OK\\r\\n\\r\\nok")
    c.close()
"""


def eventually(condition: Callable[[], T], seconds: float = 10.0, what: str = "") -> T:
    """Return the first true value of `condition`, or fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, what or "the condition did not come true in time"
        time.sleep(0.005)
    return value


def state(supervisor: Supervisor, name: str) -> PartState:
    return next(one for one in supervisor.states() if one.name == name)


def pid_of(supervisor: Supervisor, name: str) -> int:
    return eventually(lambda: state(supervisor, name).pid or 0)


def runs(pid: int) -> bool:
    return proc.identify(pid) is not None


def carriers(folder: Path, name: str = "") -> list[int]:
    """Return the processes marked as parts (or one part) of `folder`."""
    token = (folder / "run" / "token").read_bytes()
    wanted = b"LOKIFI_PART=" + token + b":" + name.encode()
    found = []
    for pid in proc.look():
        for variable in proc.TABLE.environment(pid):
            if variable == wanted or (not name and variable.startswith(wanted)):
                found.append(pid)
    return found


def free_port() -> int:
    """Return a port nobody listens on, below the ephemeral range."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def kill_supervisor(supervisor: Supervisor) -> int:
    """SIGKILL it and wait until it is gone; return its number."""
    pid = supervisor.pid()
    os.kill(pid, 9)
    eventually(lambda: not runs(pid))
    return pid


def number_in(path: Path) -> int:
    return int(eventually(lambda: path.read_text().strip() if path.exists() else ""))
