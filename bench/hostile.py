"""What hostile platform files cost: milliseconds and megabytes from the bytes on the disk to the answer.

Each input is read by `load` in a process of its own, five times, each time a new process; the time is the
least, for all else is the load of the machine; the memory is the growth of the process's peak. The promise is
200 ms and 100 MB. The floor beside them is the reference file. The last line names the slowest and the largest
of those that are refused; a large file that is right may take longer.

    python bench/hostile.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MILLISECONDS, MEGABYTES, RUNS = 200.0, 100.0, 5
HEAD = b"platform: shop\n"
CHILD = """
import json, resource, sys, time
from pathlib import Path
from lokifi.kit.errors import LokifiError
from lokifi.model.load import load

def peak():
    if sys.platform != 'linux':
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    text = Path('/proc/self/status').read_text()
    return int(text.split('VmHWM:')[1].split()[0]) / 1024

before, begun = peak(), time.perf_counter()
try:
    load(Path(sys.argv[1]))
    answer = 'accepted'
except LokifiError as error:
    answer = str(error)
print(json.dumps([(time.perf_counter() - begun) * 1000, peak() - before, answer.splitlines()[0]]))
"""


def laughs() -> bytes:
    """Nine levels of nine aliases each (CVE-2003-1564, in YAML)."""
    letters = b"abcdefghi"
    lines = [b"a: &a [l,l,l,l,l,l,l,l,l]"]
    lines += [b"%c: &%c [%s]" % (here, here, b",".join([b"*%c" % below] * 9)) for below, here in pairwise(letters)]
    return b"\n".join(lines)


def many(line: bytes, count: int) -> bytes:
    """`line` with a number in it, over and over."""
    return b"".join(line % number for number in range(count))


SECRETS = HEAD + b"secrets:\n" + many(b"  S%d: generated\n", 2_450)
INPUTS: dict[str, bytes] = {
    "billion laughs": laughs(),
    "1 MB": b"a: " + b"x" * (1 << 20),
    "10 MB of items": b"- a\n" * 2_500_000,
    "20,000 deep, flow": b"[" * 20_000,
    "20,000 deep, flow mappings": b"{a: " * 20_000,
    "20,000 deep, block": b"- " * 20_000,
    "700 deep, indented": b"".join(b" " * depth + b"a:\n" for depth in range(700)),
    "1,000,000 keys": many(b"k%d: 1\n", 1_000_000),
    "2,450 unknown keys": HEAD + many(b"k%d: 1\n", 2_450),
    "2,400 empty services": HEAD + b"services:\n" + many(b"  s%d: {}\n", 2_400),
    "800 services without folders": HEAD + b"services:\n" + many(b"  s%d: {path: a, run: b}\n", 800),
    "800 services in 10 environments": HEAD
    + b"services:\n"
    + many(b"  s%d: {path: a, run: b}\n", 800)
    + b"environments:\n"
    + many(b"  e%d: {domain: a}\n", 10),
    "800 right services in 10 environments": HEAD
    + b"services:\n"
    + many(b"  s%d: {path: ., run: b}\n", 800)
    + b"environments:\n"
    + many(b"  e%d: {domain: a}\n", 10),
    "2,400 wrong variables": HEAD + b"services:\n  a:\n    path: .\n    run: b\n    env:\n" + many(b"      A-%d: 1\n", 2_400),
    "2,400 unknown references": HEAD + b"services: {a: {path: ., run: b, env: {" + many(b"A%d: '${x.y}',", 2_400) + b"}}}",
    "2,400 environments": HEAD + b"environments:\n" + many(b"  e%d: {}\n", 2_400),
    "10 environments over 2,450 secrets": SECRETS + b"environments:\n" + many(b"  e%d: {}\n", 10),
    "200,000 digits": b"a: " + b"9" * 200_000,
    "a huge exponent": b"a: 1e" + b"9" * 200_000,
    "a key of 200,000 letters": HEAD + b"? " + b"services" * 25_000 + b"\n: 1\n",
    "!!python/object": b"a: !!python/object/apply:os.system [id]\n",
    "9,000 tags": HEAD + many(b"k%d: !a 1\n", 9_000),
    "4,900 anchors": b"[" + many(b"&a%d x,", 4_900) + b"]",
    "9,000 duplicate keys": HEAD * 9_000,
    "250,000 quotes": b"a: " + b'"' * 250_001,
    "250,000 NULs": b"\0" * 250_000,
    "tabs": b"\t\n" * 100_000 + b"\ta",
    "UTF-16": "platform: shop\n".encode("utf-16"),
    "not UTF-8": b"\xff" * 250_000,
}  # fmt: skip


def measured(file: Path) -> tuple[float, float, str]:
    """Milliseconds (least), megabytes (most) and the first line of the answer."""
    rows = []
    for _ in range(RUNS):
        done = subprocess.run([sys.executable, "-c", CHILD, str(file)], cwd=ROOT, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout))
    return min(row[0] for row in rows), max(row[1] for row in rows), rows[0][2]


def main() -> None:
    """Print a row for each input, and the worst."""
    found: dict[str, tuple[float, float, str]] = {}
    print(f"{'':36} {'ms':>7} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lokifi.yaml"
        for name, raw in INPUTS.items():
            file.write_bytes(raw)
            found[name] = measured(file)
            time, memory, answer = found[name]
            print(f"{name:36} {time:7.1f} {memory:6.1f}  {answer[:90]}", flush=True)
    time, memory, _ = measured(ROOT / "lokifi.yaml")
    print(f"{'(floor: the reference file)':36} {time:7.1f} {memory:6.1f}")
    refused = {name for name, (*_, answer) in found.items() if answer != "accepted"}
    slowest, largest = (max(refused, key=lambda name: found[name][column]) for column in (0, 1))
    kept = found[slowest][0] <= MILLISECONDS and found[largest][1] <= MEGABYTES
    word = "kept" if kept else "missed"
    print(
        f"{len(refused)} refused: slowest {found[slowest][0]:.0f} ms ({slowest}), largest {found[largest][1]:.0f} MB "
        f"({largest}); promise {MILLISECONDS:.0f} ms and {MEGABYTES:.0f} MB {word}"
    )


if __name__ == "__main__":
    main()
