"""The supervisor's end of the way: it listens in its run folder and answers one request a line."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from typing import cast

from lokifi.kit.errors import LokifiError, UsageError
from lokifi.kit.linux import peer_uid
from lokifi.runtimes.local.supervisor.control import LONGEST, SOCKET, encode, refusal
from lokifi.runtimes.local.supervisor.spec import JSON

Handler = Callable[[JSON, asyncio.StreamWriter], Awaitable[object]]


async def serve(handler: Handler) -> asyncio.Server:
    """Listen in the current folder; `handler` gets each request of this user, or of root, and answers it."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = peer_uid(cast(socket.socket, writer.get_extra_info("socket")))
        try:
            while uid in (None, 0, os.geteuid()) and (line := await reader.readline()):
                writer.write(encode(await _answer(handler, line, writer)))
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            # Gone, more than a request may hold, or this process is about to end.
            return
        finally:
            writer.close()

    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(converse, SOCKET, limit=LONGEST)
    finally:
        os.umask(before)


async def _answer(handler: Handler, line: bytes, writer: asyncio.StreamWriter) -> JSON:
    try:
        request = json.loads(line)
        if not isinstance(request, dict) or not isinstance(request.get("do"), str):
            raise UsageError("a request is an object that says what to do")
        return {"result": await handler(request, writer)}
    except LokifiError as error:
        return refusal(error)
    except (ValueError, RecursionError):
        return refusal(UsageError("a request is one line of JSON"))
