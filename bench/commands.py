"""How long the command line takes where it does little, beside the start of the interpreter."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from bench.figures import Figure
from bench.platform import LOKIFI, Reference

RUNS = 10


def measure(platform: Reference) -> Iterator[Figure]:
    """`lokifi --help` and `lokifi check`, in turn with the floor; one run before to warm the caches."""
    floor, help_, check = [], [], []
    timed([str(LOKIFI), "check"], platform)
    for _ in range(RUNS):
        floor.append(timed([sys.executable, "-c", ""], platform))
        help_.append(timed([str(LOKIFI), "--help"], platform))
        check.append(timed([str(LOKIFI), "check"], platform))
    yield Figure("lokifi --help", "ms", help_, 150.0, {"python -c ''": floor})
    yield Figure("lokifi check", "ms", check, 300.0, {"python -c ''": floor})


def timed(argv: list[str], platform: Reference) -> float:
    """Milliseconds of a command."""
    begin = time.perf_counter()
    subprocess.run(argv, cwd=platform.folder, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) * 1000
