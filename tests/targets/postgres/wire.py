"""As much of PostgreSQL's protocol 3.0 as signs in with SCRAM-SHA-256 and asks simple questions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from types import TracebackType

from lokifi.plan.stack import Address


class Refused(Exception):
    """An error that the server answered: its message."""


class Session:
    """PostgreSQL documentation, "Message Flow" and "SASL Authentication"; RFC 5802."""

    def __init__(self, address: Address, user: str, database: str, password: str) -> None:
        self.connection = socket.create_connection((address.host, address.port), 10)
        self.file = self.connection.makefile("rb")
        body = struct.pack("!i", 196608) + b"".join(
            word.encode() + b"\0" for word in ("user", user, "database", database, "client_encoding", "UTF8", "")
        )
        self.connection.sendall(struct.pack("!i", len(body) + 4) + body)
        try:
            self._sign_in(password)
            while self._message()[0] != b"Z":
                pass
        except Refused:
            self.close()
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.connection.close()

    def __call__(self, statement: str) -> list[list[str]]:
        """The rows, as text."""
        self._send(b"Q", statement.encode() + b"\0")
        rows, failed = [], None
        while True:
            try:
                kind, body = self._message()
            except Refused as error:
                failed = error
                continue
            if kind == b"D":
                rows.append(_columns(body))
            if kind == b"Z":
                break
        if failed:
            raise failed
        return rows

    def _sign_in(self, password: str) -> None:
        bare = f"n=,r={secrets.token_urlsafe(18)}"
        _, body = self._message()
        assert body.startswith(struct.pack("!i", 10) + b"SCRAM-SHA-256\0"), body
        first = b"n,," + bare.encode()
        self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        server = self._message()[1][4:].decode()
        fields = dict(field.split("=", 1) for field in server.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        last = f"c=biws,r={fields['r']}"
        signature = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{server},{last}".encode(), "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
        self._send(b"p", f"{last},p={proof}".encode())

    def _send(self, kind: bytes, body: bytes) -> None:
        self.connection.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _message(self) -> tuple[bytes, bytes]:
        head = self.file.read(5)
        assert len(head) == 5, "the server closed the connection"
        body = self.file.read(struct.unpack("!i", head[1:])[0] - 4)
        if head[:1] == b"E":
            fields = {field[:1]: field[1:].decode() for field in body.split(b"\0") if field}
            raise Refused(fields[b"M"])
        return head[:1], body


def _columns(body: bytes) -> list[str]:
    count, position, found = struct.unpack("!h", body[:2])[0], 2, []
    for _ in range(count):
        length = struct.unpack("!i", body[position : position + 4])[0]
        position += 4
        found.append(body[position : position + max(length, 0)].decode())
        position += max(length, 0)
    return found
