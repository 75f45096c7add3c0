"""How long a killed part is away: 200 SIGKILLs under the default policy, runit beside it in the same run.

A part is a shell that says its number into a pipe as its first act, so that the figure is the time from
the kill to the first line of the new process, the same for both supervisors. Rounds are spaced by the
ten seconds after which a part counts as settled. Also the supervisor's memory and its use of a core
while it only probes.

    python bench/restart.py [--parts 20] [--rounds 10] [--runit FOLDER_WITH_RUNSVDIR]
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.supervisor.part import LONG_ENOUGH
from lokifi.runtimes.local.supervisor.spec import PartSpec, Probe

PORT = 21700
ANSWER = "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"
SERVER = f"""
import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    c, _ = s.accept()
    c.recv(4096)
    c.sendall(b"{ANSWER}")
    c.close()
"""


@dataclass
class Side:
    """One supervisor under test: how its parts announce themselves, and what was measured."""

    name: str
    fifo: Path
    fd: int = -1
    pids: dict[str, int] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    rest: bytes = b""

    def open(self) -> None:
        os.mkfifo(self.fifo)
        self.fd = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)

    def script(self, name: str) -> str:
        return f"echo {name} $$ > {self.fifo}\nexec sleep 100000\n"

    def hear(self, count: int, seconds: float) -> None:
        """Take `count` announcements, or fail."""
        deadline = time.monotonic() + seconds
        while count:
            if not select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                sys.exit(f"{self.name}: a part did not come back within {seconds} s")
            *lines, self.rest = (self.rest + os.read(self.fd, 4096)).split(b"\n")
            for line in lines:
                name, pid = line.decode().split()
                self.pids[name] = int(pid)
                count -= 1

    def kill_one_by_one(self) -> None:
        for name in sorted(self.pids):
            begin = time.perf_counter()
            os.kill(self.pids[name], signal.SIGKILL)
            self.hear(1, 5.0)
            self.times.append((time.perf_counter() - begin) * 1000)


def start_lokifi(side: Side, folder: Path, parts: int) -> Supervisor:
    supervisor = Supervisor(folder)
    supervisor.start()
    for number in range(parts):
        name = f"part-{number:02}"
        argv = ("/bin/sh", "-c", side.script(name))
        log = folder / "logs" / f"{name}.log"
        supervisor.put(PartSpec(name, argv, {"PATH": "/usr/bin:/bin"}, Path("/"), log))
    side.hear(parts, 20.0)
    return supervisor


def start_runit(side: Side, folder: Path, parts: int, binaries: Path) -> subprocess.Popen[bytes]:
    for number in range(parts):
        service = folder / f"part-{number:02}"
        service.mkdir(parents=True)
        run = service / "run"
        run.write_text(f"#!/bin/sh\n{side.script(service.name)}")
        run.chmod(0o755)
    env = {"PATH": f"{binaries}:/usr/bin:/bin"}
    process = subprocess.Popen([binaries / "runsvdir", folder], env=env, start_new_session=True)
    side.hear(parts, 20.0)
    return process


def find_runit(given: str | None) -> Path | None:
    if given:
        return Path(given)
    found = shutil.which("runsvdir")
    return Path(found).parent if found else None


def free_ports() -> Iterator[int]:
    """Yield ports that nobody listens on, below those that the kernel gives to outgoing connections."""
    for port in range(PORT, 32_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                yield port


def idle(folder: Path, supervisor: Supervisor, probed: int, seconds: float) -> tuple[float, float]:
    """Return the resident memory in MB and the percentage of a core with `probed` parts asked twice a second."""
    for number, port in zip(range(probed), free_ports(), strict=False):
        name = f"web-{number:02}"
        ready, live = (Probe("http", port=port, path=path) for path in ("/ready", "/live"))
        argv = (sys.executable, "-I", "-S", "-c", SERVER, str(port))
        log = folder / "logs" / f"{name}.log"
        spec = PartSpec(name, argv, {"PATH": "/usr/bin:/bin"}, Path("/"), log, ready=ready, live=live)
        supervisor.put(spec)
    for number in range(probed):
        supervisor.wait(f"web-{number:02}", 20.0)
    pid = supervisor.pid()
    before = _cpu(pid)
    time.sleep(seconds)
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return resident / 1024, (_cpu(pid) - before) / seconds * 100


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(sides: list[Side]) -> str:
    rows = [f"{'restart after SIGKILL':24}{'kills':>6}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"]
    for side in sides:
        times = sorted(side.times)
        p50, p99 = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
        rows.append(f"{side.name:24}{len(times):>6}{p50:>9.1f}{p99:>9.1f}{times[-1]:>9.1f}")
    return "\n".join(rows)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--parts", type=int, default=20)
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--probed", type=int, default=12)
    arguments.add_argument("--runit", help="the folder that holds runsvdir and runsv")
    options = arguments.parse_args()
    binaries = find_runit(options.runit)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        ours = Side("lokifi (budget 10 / 50)", Path(scratch, "ours"))
        sides = [ours]
        ours.open()
        folder = Path(scratch, "bench")
        supervisor = start_lokifi(ours, folder, options.parts)
        runit = None
        try:
            if binaries:
                theirs = Side("runit", Path(scratch, "theirs"))
                theirs.open()
                sides.append(theirs)
                runit = start_runit(theirs, Path(scratch, "services"), options.parts, binaries.resolve())
            for _ in range(options.rounds):
                time.sleep(LONG_ENOUGH + 0.2)
                for side in sides:
                    side.kill_one_by_one()
            print(table(sides))
            if not binaries:
                print("runit was not found; get it without installing: apt-get download runit; dpkg -x runit*.deb .")
            for number in range(options.probed, options.parts):
                supervisor.forget(f"part-{number:02}")
            resident, busy = idle(folder, supervisor, options.probed, 20.0)
            print(f"supervisor with {options.probed} parts probed twice a second and {options.probed} not:")
            print(f"resident {resident:.1f} MB (budget 25), idle {busy:.2f} % of a core (budget 1)")
        finally:
            supervisor.shutdown()
            if runit:
                runit.send_signal(signal.SIGHUP)
                runit.wait(20)


if __name__ == "__main__":
    main()
