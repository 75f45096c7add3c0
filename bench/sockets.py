"""WebSockets held open under the load: how each of them ended (RFC 6455)."""

from __future__ import annotations

import base64
import os
import select
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field

CLOSE, PING, PONG = 0x8, 0x9, 0xA
CLEAN = {1001: "going away", 1012: "service restart"}


@dataclass
class Sockets(threading.Thread):
    """Holds `count` WebSockets on `path`; one that ended is opened again, as a page does."""

    port: int
    path: str
    count: int
    clean: Counter[int] = field(default_factory=Counter)
    unclean: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    messages: int = 0

    def __post_init__(self) -> None:
        """Name the thread."""
        super().__init__(name="websockets", daemon=True)
        self._over = threading.Event()
        self._open: dict[socket.socket, bytearray] = {}

    def __hash__(self) -> int:
        """A thread is itself and no other."""
        return id(self)

    def end(self) -> None:
        """Close all."""
        self._over.set()
        self.join()

    def run(self) -> None:
        """The loop; a thread of its own."""
        while not self._over.is_set():
            while len(self._open) < self.count and not self._over.is_set():
                self._connect()
            for ready in select.select(list(self._open), [], [], 0.1)[0]:
                self._read(ready)
        for each in self._open:
            each.close()

    def _connect(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {self.path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        )
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=10.0)
        answer = bytearray()
        try:
            opened.sendall("\r\n".join((*lines, "", "")).encode())
            while b"\r\n\r\n" not in answer:
                chunk = opened.recv(65536)
                if not chunk:
                    break
                answer += chunk
        except OSError as error:
            answer = bytearray(f"-        {type(error).__name__}", "ascii")
        if answer[9:12] != b"101":
            self.unclean[f"handshake: {bytes(answer[9:40]).splitlines()[:1]}"] += 1
            opened.close()
            return
        opened.setblocking(False)
        self.opened += 1
        self._open[opened] = answer.partition(b"\r\n\r\n")[2]
        # Frames may have come with the handshake, the last one too.
        self._take_all(opened)

    def _read(self, connection: socket.socket) -> None:
        try:
            chunk = connection.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            return self._gone(connection, type(error).__name__)
        if not chunk:
            return self._gone(connection, "closed without a close frame")
        self._open[connection].extend(chunk)
        self._take_all(connection)

    def _take_all(self, connection: socket.socket) -> None:
        buffer = self._open[connection]
        while (frame := take(buffer)) is not None:
            kind, body = frame
            self.messages += 1
            if kind == PING:
                connection.send(masked(PONG, body))
            elif kind == CLOSE:
                code = int.from_bytes(body[:2], "big") if len(body) >= 2 else 1005
                self.clean[code] += 1
                connection.send(masked(CLOSE, body[:2]))
                return self._gone(connection, "")

    def _gone(self, connection: socket.socket, why: str) -> None:
        if why:
            self.unclean[why] += 1
        self._open.pop(connection)
        connection.close()


def take(buffer: bytearray) -> tuple[int, bytes] | None:
    """Take the first whole frame of a server off `buffer`: its kind and body."""
    if len(buffer) < 2:
        return None
    length, start = buffer[1] & 0x7F, 2
    if length > 125:
        start = 4 if length == 126 else 10
        if len(buffer) < start:
            return None
        length = int.from_bytes(buffer[2:start], "big")
    if len(buffer) < start + length:
        return None
    kind, body = buffer[0] & 0xF, bytes(buffer[start : start + length])
    del buffer[: start + length]
    return kind, body


def masked(kind: int, body: bytes) -> bytes:
    """A client's frame of at most 125 bytes."""
    mask = os.urandom(4)
    return bytes((0x80 | kind, 0x80 | len(body))) + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))
