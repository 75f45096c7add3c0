"""Ask a part one question. Cheap: one non-blocking socket, no streams; the caller bounds how many at once."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import time
from collections.abc import Awaitable, Callable

from lokifi.runtimes.local.supervisor.spec import Probe

CHUNK = 4096
STATUS_LINE = len(b"HTTP/1.1 200")
NOT_ITS_FAULT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
FIRST_STEP = 0.02
STEP_GROWTH = 1.3
BATCHES = 4

Runner = Callable[[Probe], Awaitable[bool]]


async def ask(probe: Probe, runner: Runner) -> bool | None:
    """Return the answer; None when this process lacks the means to ask, which is no fault of the part.

    `runner` runs the program of an exec probe and tells whether it ended with 0.
    """
    try:
        async with asyncio.timeout(probe.timeout):
            if probe.kind == "exec":
                return await runner(probe)
            return await _converse(probe)
    except TimeoutError:
        return False
    except OSError as error:
        return None if error.errno in NOT_ITS_FAULT else False


async def _converse(probe: Probe) -> bool:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in probe.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, (probe.host, probe.port))
        if probe.kind == "http":
            await loop.sock_sendall(connection, _request(probe))
            answer = await _receive(connection, STATUS_LINE)
            return answer.startswith(b"HTTP/1.") and answer[8:10] in (b" 2", b" 3")
        if probe.send:
            await loop.sock_sendall(connection, probe.send)
        return (await _receive(connection, len(probe.expect))).startswith(probe.expect)


async def _receive(connection: socket.socket, wanted: int) -> bytes:
    loop = asyncio.get_running_loop()
    answer = b""
    while len(answer) < wanted:
        # All that is there: closing with something unread is a reset, which PostgreSQL logs each time.
        chunk = await loop.sock_recv(connection, CHUNK)
        if not chunk:
            break
        answer += chunk
    return answer


def _request(probe: Probe) -> bytes:
    host = f"[{probe.host}]" if ":" in probe.host else probe.host
    lines = (
        f"GET {probe.path} HTTP/1.1",
        f"Host: {host}:{probe.port}",
        "User-Agent: lokifi-probe",
        "Accept: */*",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode()


class Pace:
    """The pauses between questions: short at first, growing to the period, then on a common grid.

    Waking up costs more than asking (measured: 0.25 ms against 0.16 ms), so all routine questions of one
    period are asked in a few batches: `phase`, drawn once a part, says in which.
    """

    def __init__(self, period: float, phase: float) -> None:
        self.period = period
        self.offset = phase * period
        self.step = min(FIRST_STEP, period)

    def hurried(self) -> float:
        """Return the next pause while the answer is still awaited for the first time."""
        pause, self.step = self.step, min(self.step * STEP_GROWTH, self.period)
        return pause

    def steady(self, asked_at: float, right: bool) -> float:
        """Return the pause until the next routine question; after a wrong answer exactly one period on."""
        now = time.monotonic()
        if not right:
            return max(0.0, asked_at + self.period - now)
        return self.period - (now - self.offset) % self.period


def draw_phase() -> float:
    """Return the batch of a part, so that not all parts are asked at once."""
    return random.randrange(BATCHES) / BATCHES  # noqa: S311 - spreads load, guards nothing
