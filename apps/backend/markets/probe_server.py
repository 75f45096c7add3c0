"""A worker's `/health` and `/metrics`: two answers do not need a framework in a process without users."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

HEAD_MOST = 8192
READ_SECONDS = 5.0

Answer = tuple[str, str, bytes]


class ProbeServer:
    """Answers GET /health by `healthy()` and GET /metrics; closes after each answer."""

    def __init__(self, healthy: Callable[[], bool]) -> None:
        self._healthy = healthy

    async def start(self, host: str, port: int) -> asyncio.Server:
        """Listen. Raises OSError when the port is taken."""
        return await asyncio.start_server(self._serve, host, port, limit=HEAD_MOST)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, kind, body = self._answer(head.split(b"\r\n", 1)[0])
                lines = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                writer.write(f"{lines}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode() + body)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    def _answer(self, request_line: bytes) -> Answer:
        parts = request_line.split(b" ")
        path = parts[1].split(b"?")[0] if len(parts) == 3 and parts[0] == b"GET" else b""
        if path == b"/metrics":
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest()
        if path != b"/health":
            return (
                "404 Not Found",
                "application/json",
                b'{"error":{"code":"not_found","message":"Not Found"}}',
            )
        if self._healthy():
            return "200 OK", "application/json", b'{"status":"ok"}'
        return "503 Service Unavailable", "application/json", b'{"status":"no tick lately"}'
