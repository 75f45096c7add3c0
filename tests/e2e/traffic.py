"""A light open-loop load on raw sockets that repeats nothing: a request that was sent and not answered has failed."""

from __future__ import annotations

import base64
import os
import select
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

TIMEOUT = 10.0


@dataclass
class Traffic:
    """GETs on keep-alive connections at a fixed rate, whatever the answers take, and WebSockets that listen.

    A connection that was seen closed before a request was sent is opened anew, as every client does; a WebSocket that got
    a close frame likewise. Everything else counts as failed.
    """

    port: int
    host: str = "markets.localhost"
    path: str = "/api/markets"
    rate: float = 40.0
    connections: int = 5
    sockets: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    messages: int = 0
    heeded: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Traffic:
        jobs = [(self._ask, number) for number in range(self.connections)]
        jobs += [(self._listen, number) for number in range(self.sockets)]
        self._threads = [threading.Thread(target=job, args=(number,), daemon=True) for job, number in jobs]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(TIMEOUT + 2)

    @property
    def verdict(self) -> str:
        """Empty when nothing failed."""
        wrong = {status: count for status, count in self.answers.items() if status != 200}
        shown = "; ".join(self.failures[:5])
        return f"{len(self.failures)} failed ({shown}), answers {wrong}" if self.failures or wrong else ""

    @property
    def answered(self) -> int:
        return self.answers.total()

    def _ask(self, number: int) -> None:
        pause = self.connections / self.rate
        begun = time.monotonic() + pause * number / self.connections
        connection, turn = self._connect(), 0
        request = f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
        while not self._over.wait(max(0.0, begun + turn * pause - time.monotonic())):
            due, turn = begun + turn * pause, turn + 1
            if closed(connection):
                connection.close()
                connection = self._connect()
            try:
                connection.sendall(request)
                status = read_answer(connection)
            except OSError as error:
                with self._guard:
                    self.failures.append(f"GET after {time.monotonic() - begun:.1f} s: {error!r}")
                connection.close()
                connection = self._connect()
                continue
            with self._guard:
                self.answers[status] += 1
                self.slowest = max(self.slowest, time.monotonic() - due)
        connection.close()

    def _listen(self, number: int) -> None:
        while not self._over.is_set():
            connection = self._connect()
            try:
                self._upgrade(connection)
                while self._frame(connection) and not self._over.is_set():
                    pass
            except OSError as error:
                with self._guard:
                    self.failures.append(f"WebSocket: {error!r}")
            finally:
                connection.close()

    def _upgrade(self, connection: socket.socket) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /ws/ticker HTTP/1.1", f"Host: {self.host}", "Connection: Upgrade", "Upgrade: websocket"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
        connection.sendall("\r\n".join(lines).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += exactly(connection, 1)
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())

    def _frame(self, connection: socket.socket) -> bool:
        """Take one frame; False after a close."""
        while not select.select([connection], [], [], 0.2)[0]:
            if self._over.is_set():
                return False
        first, second = exactly(connection, 2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", exactly(connection, 2))
        elif size == 127:
            (size,) = struct.unpack(">Q", exactly(connection, 8))
        exactly(connection, size)
        if first & 0x0F == 8:
            with self._guard:
                self.heeded += 1
            return False
        with self._guard:
            self.messages += 1
        return True

    def _connect(self) -> socket.socket:
        try:
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)
        except OSError as error:
            with self._guard:
                self.failures.append(f"connect: {error!r}")
            return socket.socket()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def closed(connection: socket.socket) -> bool:
    """Whether the other side has closed it, or it never was open."""
    try:
        return bool(select.select([connection], [], [], 0)[0]) and not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes. Raises `ConnectionError` at an early end."""
    found = b""
    while len(found) < size:
        chunk = connection.recv(size - len(found))
        if not chunk:
            raise ConnectionError("closed in the middle")
        found += chunk
    return found


def read_answer(connection: socket.socket) -> int:
    """The status of one whole answer. Raises OSError when it does not come whole."""
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError("closed without an answer")
        head += chunk
    lines, _, body = head.partition(b"\r\n\r\n")
    fields = {
        key.strip().lower(): value.strip() for key, _, value in (line.partition(b":") for line in lines.split(b"\r\n")[1:])
    }
    if b"content-length" in fields:
        exactly(connection, int(fields[b"content-length"]) - len(body))
    elif fields.get(b"transfer-encoding") == b"chunked":
        while not body.endswith(b"0\r\n\r\n"):
            chunk = connection.recv(65536)
            if not chunk:
                raise ConnectionError("closed in a chunk")
            body += chunk
    return int(lines.split(b" ")[1])


def get(port: int, path: str = "/", host: str = "localhost", timeout: float = 5.0) -> tuple[int, bytes]:
    """One request on a connection of its own; status and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body
