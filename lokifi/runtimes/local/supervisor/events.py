"""The history of an environment: one JSON object a line in events.jsonl, whatever the text holds."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

LARGEST = 10 * 1024 * 1024
KEPT = 5
LONGEST_TEXT = 2000


def make(kind: str, part: str, text: str, **more: object) -> dict[str, object]:
    """Return an event of this moment; `time` is in unix seconds."""
    return {"time": round(time.time(), 3), "kind": kind, "part": part, "text": text[:LONGEST_TEXT], **more}


def append(folder: Path, event: dict[str, object]) -> bool:
    """Append `event` to the history in `folder` in one write; False when the disk does not take it.

    Everything outside ASCII is escaped: no line break, control or bidi character reaches the file raw.
    """
    path = folder / "events.jsonl"
    line = json.dumps(event, ensure_ascii=True, separators=(",", ":"), default=str).encode() + b"\n"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            whole = os.write(fd, line) == len(line)
            size = os.fstat(fd).st_size
        finally:
            os.close(fd)
        if size > LARGEST:
            shift(path, KEPT)
            path.replace(path.with_name(f"{path.name}.1"))
    except OSError:
        return False
    return whole


def shift(path: Path, kept: int) -> None:
    """Make room for a new `path`.1: every older one moves up, the oldest of `kept` goes."""
    for number in range(kept - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
