"""What the platform and its supervisor take while nothing happens."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure
from bench.platform import Reference
from lokifi.kit import proc

SECONDS = 20.0


def measure(platform: Reference) -> Iterator[Figure]:
    """The supervisor's memory and use of a core over 20 s, and the memory of all."""
    platform.lokifi("up")
    pid = platform.supervisor.pid()
    time.sleep(2.0)
    before = cpu(pid)
    time.sleep(SECONDS)
    busy = (cpu(pid) - before) / SECONDS * 100
    parts = len(platform.supervisor.states())
    yield Figure(
        "supervisor, resident", "MB", [memory(pid, "Rss")], 40.0, note=f"with {parts} parts, each probed twice a second"
    )
    yield Figure("supervisor, idle, of a core", "%", [busy], 1.0, note=f"over {SECONDS:g} s")
    all_ = [pid, *(who.pid for who in proc.descendants(pid, proc.look()))]
    rss = sum(memory(each, "Rss") for each in all_)
    pss = sum(memory(each, "Pss") for each in all_)
    yield Figure("whole platform, Pss", "MB", [pss], note=f"{len(all_)} processes; the sum of their Rss is {rss:.0f} MB")


def memory(pid: int, what: str) -> float:
    """`Rss` or `Pss` of a process in MB (proc(5), smaps_rollup); 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))


def cpu(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
