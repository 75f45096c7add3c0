"""The way to a supervisor: a unix socket in its run folder, one JSON object a line each way.

The address of a unix socket holds at most 108 bytes (unix(7)), a project may lie deeper: the server
binds a relative name, the client goes through the descriptor of the folder.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from lokifi.kit.errors import LockHeld, LokifiError, Refused, RuntimeFailed, TimedOut, UsageError
from lokifi.runtimes.local.supervisor.spec import JSON

SOCKET = "control"
LONGEST = 4 * 1024 * 1024
LONGEST_ADDRESS = 100

ERRORS: dict[str, type[LokifiError]] = {one.__name__: one for one in (RuntimeFailed, TimedOut, Refused, UsageError, LockHeld)}


def connect(run: Path, timeout: float | None = None) -> socket.socket:
    """Return a connection to the supervisor of `run`. Raises OSError when none answers there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.settimeout(timeout)
        through = Path(f"/proc/self/fd/{folder}")
        if through.exists():
            connection.connect(str(through / SOCKET))
        elif len(os.fsencode(run / SOCKET)) <= LONGEST_ADDRESS:
            connection.connect(str(run / SOCKET))
        else:
            _connect_from_inside(connection, folder)
    except OSError:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection


def _connect_from_inside(connection: socket.socket, folder: int) -> None:
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fchdir(folder)
        connection.connect(SOCKET)
    finally:
        os.fchdir(here)
        os.close(here)


def encode(message: JSON) -> bytes:
    """Return one line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def refusal(error: LokifiError) -> JSON:
    """Return the answer that carries `error` to the other side."""
    kind = next((name for name, one in ERRORS.items() if type(error) is one), "RuntimeFailed")
    return {"error": {"kind": kind, "sentence": error.sentence, "hint": error.hint, "place": error.place}}


def result(answer: JSON) -> object:
    """Return what an answer holds. Raises the error it carries, in its own class."""
    if "error" not in answer:
        return answer.get("result")
    found = answer["error"]
    raise ERRORS.get(found["kind"], RuntimeFailed)(found["sentence"], hint=found["hint"], place=found["place"])
