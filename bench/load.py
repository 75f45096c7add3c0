"""An open-loop HTTP load on raw sockets: a fixed rate, keep-alive connections, and no request is ever sent twice.

A connection whose end was seen before sending is replaced, as any pool does (RFC 9112 §9.3.1); what was sent and
not answered is a failure. Times count from the moment a request was due, not from when it could be sent.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

LONGEST = 10.0
HEAD_END = b"\r\n\r\n"


@dataclass(slots=True, eq=False)
class Connection:
    """One keep-alive connection; `due` is when its request should have left, `request` which one it was."""

    socket: socket.socket
    due: float = 0.0
    request: str = ""
    answer: bytearray = field(default_factory=bytearray)
    busy: bool = False
    sent_at: float = 0.0
    served: int = 0


@dataclass
class Result:
    """What came of a load; `failed` by kind."""

    sent: int = 0
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    moments: list[tuple[float, str]] = field(default_factory=list)
    heeded: int = 0
    opened: int = 0
    times: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        """Milliseconds within which `part` of the requests were answered."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else 0.0


class Load(threading.Thread):
    """Sends `requests` in turn at `rate` a second over `connections` connections until `end` is called."""

    def __init__(self, port: int, requests: Sequence[bytes], rate: float, connections: int) -> None:
        super().__init__(name="load", daemon=True)
        self.port, self.requests, self.rate, self.size = port, requests, rate, connections
        self.result = Result()
        self._over = threading.Event()
        self._poll = select.epoll()
        self._open: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._waiting: deque[tuple[float, bytes]] = deque()

    def end(self) -> Result:
        """Send no more, wait for the answers under way, and return the result."""
        self._over.set()
        self.join()
        return self.result

    def run(self) -> None:
        """The loop; a thread of its own."""
        for _ in range(self.size):
            self._connect()
        begin, number = time.monotonic(), 0
        while not self._over.is_set():
            due = begin + number / self.rate
            self._turn(max(0.0, due - time.monotonic()))
            while (due := begin + number / self.rate) <= time.monotonic():
                self._waiting.append((due, self.requests[number % len(self.requests)]))
                number += 1
            self._send_waiting()
        deadline = time.monotonic() + LONGEST
        while any(each.busy for each in self._open.values()) and time.monotonic() < deadline:
            self._turn(0.05)
        for each in list(self._open.values()):
            if each.busy:
                self._fail(each, "no answer within 10 s")
            self._drop(each)

    def _turn(self, seconds: float) -> None:
        # epoll counts milliseconds, select microseconds: half a millisecond is what a request takes.
        if not select.select([self._poll], [], [], seconds)[0]:
            return
        for number, _ in self._poll.poll(0):
            if number in self._open:
                self._read(self._open[number])

    def _connect(self) -> Connection | None:
        try:
            opened = socket.create_connection(("127.0.0.1", self.port), timeout=5.0)
        except OSError as error:
            self.result.failed[f"no connection: {type(error).__name__}"] += 1
            return None
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(opened)
        self._open[opened.fileno()] = connection
        self._poll.register(opened.fileno(), select.EPOLLIN)
        self._idle.append(connection)
        self.result.opened += 1
        return connection

    def _drop(self, connection: Connection) -> None:
        if self._open.pop(connection.socket.fileno(), None) is not None:
            self._poll.unregister(connection.socket.fileno())
        if connection in self._idle:
            self._idle.remove(connection)
        connection.socket.close()

    def _send_waiting(self) -> None:
        while self._waiting:
            connection = self._usable()
            if connection is None:
                return
            due, request = self._waiting.popleft()
            connection.due, connection.busy, connection.sent_at = due, True, time.monotonic()
            connection.request = request.split(b" HTTP", 1)[0].decode()
            connection.answer.clear()
            self.result.sent += 1
            try:
                if connection.socket.send(request) != len(request):
                    self._fail(connection, "could not be sent whole")
            except OSError as error:
                self._fail(connection, f"{type(error).__name__} while sending")

    def _usable(self) -> Connection | None:
        """An idle connection that is still open at this instant, or a new one in its place."""
        while self._idle:
            connection = self._idle.popleft()
            try:
                connection.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return connection
            except OSError:
                pass
            self._heed(connection)
        return None

    def _heed(self, connection: Connection) -> None:
        self.result.heeded += 1
        self._drop(connection)
        self._connect()

    def _read(self, connection: Connection) -> None:
        try:
            chunk = connection.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            chunk, why = b"", type(error).__name__
        else:
            why = "closed"
        if chunk and connection.busy:
            connection.answer += chunk
            if (status := finished(connection.answer)) is not None:
                self._answered(connection, status)
        elif not connection.busy:
            self._heed(connection)
        elif not chunk:
            self._fail(connection, f"{why} {'in the middle of' if connection.answer else 'without'} an answer")

    def _answered(self, connection: Connection, status: int) -> None:
        self.result.times.append(time.monotonic() - connection.due)
        connection.busy = False
        connection.served += 1
        if 200 <= status < 300:
            self.result.answered += 1
        else:
            self._note(f"status {status}", connection)
        if b"\r\nconnection: close\r\n" in bytes(connection.answer.partition(HEAD_END)[0]).lower() + b"\r\n":
            self._heed(connection)
        else:
            self._idle.append(connection)

    def _fail(self, connection: Connection, kind: str) -> None:
        self._note(kind, connection)
        self._drop(connection)
        self._connect()

    def _note(self, kind: str, connection: Connection) -> None:
        self.result.failed[kind] += 1
        word = f"{kind}: {connection.request} on connection with {connection.served} requests before"
        self.result.moments.append((time.time(), word))


def finished(answer: bytearray) -> int | None:
    """The status of a response that is all there (RFC 9112 §6.3), else None."""
    head, end, body = answer.partition(HEAD_END)
    if not end:
        return None
    status = int(head[9:12])
    lower = bytes(head).lower()
    if status in (204, 304):
        return status
    if b"\r\ntransfer-encoding: chunked" in lower:
        return status if body.endswith(b"0\r\n\r\n") else None
    _, found, rest = lower.partition(b"\r\ncontent-length:")
    return status if found and len(body) >= int(rest.split(b"\r\n", 1)[0]) else None
