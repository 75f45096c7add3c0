"""No request is lost: 500 a second on kept connections, and WebSockets, while copies come and go and the edge reloads."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator

from bench.figures import Figure
from bench.load import Load, Result
from bench.platform import Reference
from bench.sockets import CLEAN, Sockets

RATE, CONNECTIONS, SOCKETS = 500, 40, 20
RELOADS = 20
SCALES = (6, 2)
PAUSE = 0.5


def measure(platform: Reference) -> Iterator[Figure]:
    """One run: 3 → 6 → 2 copies, then twenty times `up` after an edit that makes the edge reload."""
    platform.lokifi("up")
    load, sockets = (
        Load(platform.port, requests(platform.port), RATE, CONNECTIONS),
        Sockets(platform.port, "/ws/ticker", SOCKETS),
    )
    load.start()
    sockets.start()
    time.sleep(2.0)
    for count in SCALES:
        platform.lokifi("scale", f"backend={count}")
        time.sleep(PAUSE)
    scaled = load.result.sent
    for number in range(RELOADS):
        edited(platform, number)
        platform.lokifi("up")
    time.sleep(2.0)
    sockets.end()
    yield from figures(load.end(), sockets, scaled)
    platform.lokifi("scale", "backend=3")


def figures(result: Result, sockets: Sockets, scaled: int) -> Iterator[Figure]:
    """The tally as rows."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in result.failed.items()) or "none of any kind"
    where = f"{result.sent} requests, {scaled} of them before the reloads; {result.heeded} closes heeded"
    yield Figure("requests failed", "", [float(sum(result.failed.values()))], 0.0, note=f"{kinds}; {where}")
    yield Figure("  answered within, p50", "ms", [result.percentile(0.5)])
    yield Figure("  answered within, p99", "ms", [result.percentile(0.99)])
    clean = sum(count for code, count in sockets.clean.items() if code in CLEAN)
    codes = ", ".join(f"{count} with {code}" for code, count in sockets.clean.items())
    yield Figure("WebSockets closed cleanly", "", [float(clean)], note=codes)
    unclean = ", ".join(f"{count} {kind}" for kind, count in sockets.unclean.items())
    yield Figure("WebSockets cut", "", [float(sum(sockets.unclean.values()))], 0.0, note=unclean or "none")


def edited(platform: Reference, number: int) -> None:
    """Change what the edge is told in the file, so that the next `up` reloads it and nothing else."""
    file = platform.folder / "lokifi.yaml"
    text = re.sub(r"(edge: {listen: [^,}]*)[^}]*}", rf"\1, body_limit: {number + 1}Mi}}", file.read_text())
    file.write_text(text)


def requests(port: int) -> list[bytes]:
    """Reads and the two writes of the application that are idempotent, from the page to the database."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/watchlist", timeout=10) as answer:
        cookie = str(answer.headers["set-cookie"]).split(";")[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/markets", timeout=10) as answer:
        symbol = json.load(answer)["markets"][0]["symbol"]
    wanted = [
        *["GET /api/markets"] * 4,
        *[f"GET /api/markets/{symbol}/candles"] * 2,
        f"PUT /api/watchlist/{symbol}",
        "GET /api/watchlist",
        f"DELETE /api/watchlist/{symbol}",
        "GET /",
    ]
    return [f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode() for line in wanted]
