"""The reference platform in a folder of its own, as every figure here measures it."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.supervisor.spec import PartSpec
from lokifi.runtimes.local.supervisor.store import Store

ROOT = Path(__file__).resolve().parent.parent
LOKIFI = Path(sys.executable).parent / "lokifi"
LEFT_OUT = ("node_modules", "dist", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".venv")
# Below the ephemeral range of Linux, where any outgoing connection may take a port.
FIRST_PORT, LAST_PORT, PORTS = 20100, 32000, 20
PATIENCE = 60.0


class Reference:
    """A copy of `lokifi.yaml` and `apps/` where an unprivileged account can read it, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports()
        self.state = folder / ".lokifi" / "development"
        self.supervisor = Supervisor(self.state)

    def copy(self) -> None:
        """Copy what is wanted of the project; nothing that was built or installed."""
        self.folder.chmod(0o755)
        shutil.copytree(ROOT / "apps", self.folder / "apps", ignore=shutil.ignore_patterns(*LEFT_OUT))
        text = (ROOT / "lokifi.yaml").read_text()
        (self.folder / "lokifi.yaml").write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}"))

    def lokifi(self, *words: str) -> float:
        """Run a command; return its seconds. Ends the benchmark when it fails."""
        begin = time.perf_counter()
        done = subprocess.run([LOKIFI, *words], cwd=self.folder, capture_output=True, text=True)
        seconds = time.perf_counter() - begin
        if done.returncode:
            sys.exit(f"lokifi {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return seconds

    def begin(self) -> Popen:
        """Start `lokifi up` without waiting for its end."""
        return subprocess.Popen([LOKIFI, "up"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def erase(self) -> None:
        """Make the next `up` a cold one: what was installed and built stays, all else of the environment goes."""
        for name in ("data", "config", "secrets", "logs"):
            shutil.rmtree(self.state / name, ignore_errors=True)
        for history in self.state.glob("events.jsonl*"):
            history.unlink()

    def specs(self) -> dict[str, PartSpec]:
        """The commands, environments and folders that the running parts were started with."""
        store = Store(self.state / "run")
        return {name: wish.spec for name in store.names() if (wish := store.wish(name)) is not None}

    def answers(self) -> bool:
        """Whether the edge passes on a service's word that it is ready."""
        return answers(f"http://127.0.0.1:{self.port}/api/ready")


Popen = subprocess.Popen[bytes]


def answers(url: str) -> bool:
    """Whether `url` is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2.0) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(url: str, seconds: float = PATIENCE) -> None:
    """Return as soon as `url` is answered with 200. Ends the benchmark when it is not in time."""
    deadline = time.monotonic() + seconds
    while not answers(url):
        if time.monotonic() > deadline:
            sys.exit(f"{url} was not answered within {seconds:g} s")
        time.sleep(0.005)


def free_ports() -> int:
    """The first of `PORTS` neighbouring ports that nobody listens on."""
    for base in random.sample(range(FIRST_PORT, LAST_PORT, PORTS), 50):
        if all(_free(base + offset) for offset in range(PORTS)):
            return base
    sys.exit("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def reference() -> Iterator[Reference]:
    """The platform, set up and built, and stopped at the end whatever happens."""
    with tempfile.TemporaryDirectory(prefix="lokifi-bench-") as folder:
        made = Reference(Path(folder))
        made.copy()
        try:
            made.lokifi("setup")
            made.lokifi("up")
            yield made
        finally:
            subprocess.run([LOKIFI, "down"], cwd=made.folder, capture_output=True)
            shutil.rmtree(made.state, ignore_errors=True)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))
