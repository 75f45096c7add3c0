"""A small real HTTP server that remembers what reached it, and a client that shows what came back, byte by byte."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 §1.3."""


@dataclass
class Message:
    """A request or an answer: its first line, its headers (lower-case names, as often as they came) and its body."""

    first: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str:
        return ", ".join(self.all(name))

    @property
    def status(self) -> int:
        return int(self.first.split()[1])

    @property
    def path(self) -> str:
        return self.first.split()[1]

    @property
    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.body)
        return found


@dataclass
class Upstream:
    """`/api/hold` waits for `release`, `/api/die` closes after reading, `/api/late` never answers, the rest answers."""

    port: int
    name: str
    requests: list[Message] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    server: asyncio.Server | None = None

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Refuse connections from here on."""
        if self.server:
            self.server.close()
            self.server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read(reader)
            self.requests.append(request)
            await self._answer(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = request.path.partition("?")[0]
        if path == "/api/die":
            return
        if path == "/api/late":
            await reader.read()
            return
        if path == "/api/hold":
            await self.release.wait()
        if request.get("upgrade").lower() == "websocket":
            accept = base64.b64encode(hashlib.sha1((request.get("sec-websocket-key") + MAGIC).encode()).digest()).decode()
            writer.write(
                _head("101 Switching Protocols", Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Accept=accept)
            )
            while chunk := await reader.read(4096):
                writer.write(chunk)
            return
        answer = {"name": self.name, "first": request.first, "headers": request.headers, "length": len(request.body)}
        body = json.dumps(answer | ({"padding": "x" * 4000} if path == "/api/big" else {})).encode()
        extra = {"Referrer_Policy": "no-referrer", "X_Request_ID": "mine"} if path == "/api/own" else {}
        status = {"/api/busy": "503 Busy", "/api/teapot": "418 Teapot"}.get(path, "200 OK")
        head = _head(status, Content_Type="application/json", Content_Length=str(len(body)), Connection="close", **extra)
        writer.write(head + body)
        await writer.drain()


def _head(status: str, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{key.replace('_', '-')}: {value}" for key, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def read(reader: asyncio.StreamReader, bodiless: bool = False) -> Message:
    """The next message. Raises `IncompleteReadError` when the connection ends before."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    pairs = [line.split(":", 1) for line in lines]
    message = Message(first, [(key.lower(), value.strip()) for key, value in pairs])
    if bodiless or (first.startswith("HTTP") and message.status in (101, 204, 304)):
        return message
    if message.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            message.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    elif length := message.get("content-length"):
        message.body = await reader.readexactly(int(length))
    return message


def request(method: str, target: str, host: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; `_` in the name of a header stands for `-`."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def exchange(port: int, raw: bytes) -> Message:
    """One request on a connection of its own."""
    async with connection(port) as (reader, writer):
        writer.write(raw)
        return await asyncio.wait_for(read(reader, bodiless=raw.startswith(b"HEAD")), 10)
