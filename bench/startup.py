"""How long the platform takes to come up and go, beside the chain that nobody can avoid and beside its peers."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.direct import SILENT, Direct
from bench.figures import Figure
from bench.platform import PATIENCE, Popen, Reference, until

RUNS = 5
PEER_RUNS = 3
RATIO = 1.5


def cold(platform: Reference) -> Iterator[Figure]:
    """`up` without data, rendered files, secrets, logs; what was fetched, installed and built is there."""
    direct = prepared(platform)
    direct.template()
    ups, chains = [], []
    for _ in range(RUNS):
        direct.reset()
        chains.append(direct.chain(cold=True))
        platform.erase()
        ups.append(platform.lokifi("up"))
        platform.lokifi("down")
    note = "cold: no data, configuration, secrets, logs, supervisor; programs, dependencies and front end are there"
    yield from beside_chain("cold up", ups, chains, note)


def warm(platform: Reference) -> Iterator[Figure]:
    """`up` with everything there but processes; and two supervisors of processes with the same parts and data."""
    direct = prepared(platform)
    ups, downs, edges = [], [], []
    chains: list[dict[str, float]] = []
    peers: dict[str, list[float]] = {"honcho": [], "supervisord": []}
    for number in range(RUNS):
        chains.append(direct.chain(cold=False))
        ups.append(platform.lokifi("up"))
        downs.append(platform.lokifi("down"))
        if number < PEER_RUNS:
            for name, start in (("honcho", honcho), ("supervisord", supervisord)):
                peers[name].append(until_the_edge_answers(platform, lambda: start(direct), signal.SIGTERM))  # noqa: B023
            edges.append(until_the_edge_answers(platform, platform.begin))
            platform.lokifi("down")
    yield from beside_chain("warm up", ups, chains, "warm: only processes are missing")
    note = "the same eight parts, account and data; lokifi checks, starts in order and supervises"
    yield Figure("warm up until the edge answers", "s", edges, beside=peers, note=note)
    yield Figure("down", "s", downs, 2.0)


def again(platform: Reference) -> Iterator[Figure]:
    """`up` of what is up."""
    platform.lokifi("up")
    yield Figure("no-op up", "s", [platform.lokifi("up") for _ in range(RUNS + 1)][1:], 0.5)


def prepared(platform: Reference) -> Direct:
    """The platform stopped, its commands remembered."""
    platform.lokifi("up")
    direct = Direct(platform)
    platform.lokifi("down")
    return direct


def beside_chain(name: str, ups: list[float], chains: list[dict[str, float]], note: str) -> Iterator[Figure]:
    """The times, and the ratio of each pair of neighbours in time."""
    links = {f"chain to {link}": [chain[link] for chain in chains] for link in chains[0]}
    yield Figure(name, "s", ups, beside=links, note=note)
    yield Figure(f"{name} / chain", "", [up / chain["edge"] for up, chain in zip(ups, chains, strict=True)], RATIO)


def until_the_edge_answers(platform: Reference, start: Callable[[], Popen], end: int = 0) -> float:
    """Seconds from the start of a command until a service answers through the edge."""
    begin = time.perf_counter()
    process = start()
    until(f"http://127.0.0.1:{platform.port}/api/ready")
    seconds = time.perf_counter() - begin
    if end:
        process.send_signal(end)
    process.wait(PATIENCE)
    return seconds


def honcho(direct: Direct) -> Popen:
    """honcho with a Procfile of the parts."""
    file = direct.kept / "Procfile"
    file.write_text("".join(f"{name}: sh {script}\n" for name, script in direct.scripts().items()))
    return Popen([beside("honcho"), "-f", file, "start"], cwd=direct.kept, **SILENT)


def supervisord(direct: Direct) -> Popen:
    """supervisord with a program for each part, stopped by the signal that it wants."""
    lines = [
        "[supervisord]",
        "nodaemon=true",
        f"pidfile={direct.kept}/supervisord.pid",
        f"logfile={direct.kept}/supervisord.log",
    ]
    for name, script in direct.scripts().items():
        signal_name = direct.specs[name].stop_signal
        lines += [f"[program:{name}]", f"command=sh {script}", "startsecs=0", f"stopsignal={signal_name}"]
    file = direct.kept / "supervisord.conf"
    file.write_text("\n".join(lines) + "\n")
    return Popen([beside("supervisord"), "-c", file], cwd=direct.kept, **SILENT)


def beside(name: str) -> Path:
    """A program of the Python environment that this runs in."""
    return Path(sys.executable).parent / name
