"""Benchmarks that are programs of their own."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator

from bench.figures import Figure
from bench.platform import ROOT, Reference

WORD = re.compile(r"slowest (\d+) ms \((.*?)\), largest (\d+) MB \((.*?)\);")
ROW = re.compile(r"^(lokifi|runit)[^\n]*?\s(\d+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)$", re.MULTILINE)


def restart(platform: Reference) -> Iterator[Figure]:
    """`bench/restart.py`: the time from a SIGKILL to the new process."""
    text = said("restart")
    rows = {found[1]: found for found in ROW.finditer(text)}
    ours, runit = rows["lokifi"], rows.get("runit")
    note = f"{ours[2]} kills" + ("" if runit else "; runit is not on this machine")
    yield Figure(
        "restart after SIGKILL, p50", "ms", [float(ours[3])], 10.0, {"runit": [float(runit[3])]} if runit else {}, note
    )
    yield Figure("restart after SIGKILL, p99", "ms", [float(ours[4])], 50.0, {"runit": [float(runit[4])]} if runit else {})


def hostile(platform: Reference) -> Iterator[Figure]:
    """`bench/hostile.py`: its last line is its word on the slowest and the largest."""
    if importlib.util.find_spec("bench.hostile") is None:
        return
    found = WORD.search(said("hostile"))
    if found is None:
        sys.exit("bench/hostile.py printed no last line that can be read")
    yield Figure("hostile YAML, slowest answer", "ms", [float(found[1])], 200.0, note=found[2])
    yield Figure("hostile YAML, most memory", "MB", [float(found[3])], 100.0, note=found[4])


def said(name: str) -> str:
    """What a program of this folder prints."""
    done = subprocess.run([sys.executable, ROOT / "bench" / f"{name}.py"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench/{name}.py ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
