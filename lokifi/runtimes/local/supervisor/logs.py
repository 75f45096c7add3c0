"""Read what the parts wrote, kept history included, in order and by time."""

from __future__ import annotations

import os
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lokifi.kit.linux import first_data
from lokifi.runtimes.local.supervisor.keeper import KEPT, index_of, line_start
from lokifi.runtimes.local.supervisor.spec import check_name
from lokifi.runtimes.local.supervisor.stamps import stamp

CHUNK = 64 * 1024
LONGEST_LINE = 1024 * 1024
GLANCE = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a part, without its end; `time` in unix seconds, None when nobody knows.

    Invalid UTF-8 is replaced; control characters are still in it, printing them is the printer's care.
    """

    part: str
    time: float | None
    text: str


def log_path(folder: Path, part: str) -> Path:
    """Return where the log of `part` is in the environment folder."""
    return folder / "logs" / f"{check_name(part)}.log"


def read(folder: Path, part: str, since: float | None = None, follow: bool = False) -> Iterator[Line]:
    """Yield the lines of `part`, oldest first: rotated files, then the present one.

    With `since` (unix seconds) only lines of that time or later: by the time in the line, else by the
    index the supervisor keeps, exact to a second. With `follow` it never ends: lines as they come.
    """
    path = log_path(folder, part)
    for number in range(KEPT, 0, -1):
        kept = path.with_name(f"{path.name}.{number}")
        yield from _file(kept, part, since)
    yield from _follow(path, part, since) if follow else _file(path, part, since)


def tail(folder: Path, part: str, count: int = 10) -> list[Line]:
    """Return the last `count` lines of the present file, looking at no more than its last 64 KiB."""
    try:
        fd = os.open(log_path(folder, part), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        size = os.fstat(fd).st_size
        raw = os.pread(fd, CHUNK, max(0, size - CHUNK)).lstrip(b"\0")
    finally:
        os.close(fd)
    texts = raw.decode(errors="replace").splitlines()[-count:] if count > 0 else []
    return [Line(part, stamp(text), text) for text in texts]


def _file(path: Path, part: str, since: float | None) -> Iterator[Line]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        reader = _Reader(fd, path, part, since)
        yield from reader.lines()
        yield from reader.rest()
    finally:
        os.close(fd)


def _follow(path: Path, part: str, since: float | None) -> Iterator[Line]:
    while True:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            time.sleep(GLANCE)
            continue
        try:
            reader = _Reader(fd, path, part, since)
            while True:
                gone = not _is(fd, path)
                yield from reader.lines()
                if gone:
                    break
                time.sleep(GLANCE)
        finally:
            os.close(fd)


class _Reader:
    """A place in a file that grows; knows when each of its bytes was there."""

    def __init__(self, fd: int, path: Path, part: str, since: float | None) -> None:
        self.fd, self.part, self.since = fd, part, since
        self.index = index_of(path)
        self.ends = [offset for _, offset in self.index]
        self.offset = first_data(fd)
        self.fresh = True
        if since is not None:
            earlier = bisect_left([at for at, _ in self.index], since) - 1
            if earlier >= 0 and self.ends[earlier] > self.offset:
                self.offset, self.fresh = line_start(fd, self.ends[earlier]), False
        self.partial = b""

    def lines(self) -> Iterator[Line]:
        """Yield the whole lines there are at this moment."""
        size = os.fstat(self.fd).st_size
        if size < self.offset:
            self.offset, self.partial, self.index, self.ends = 0, b"", [], []
        while chunk := os.pread(self.fd, CHUNK, self.offset):
            self.offset += len(chunk)
            if self.fresh:
                chunk = chunk.lstrip(b"\0")
                self.fresh = not chunk
            *whole, self.partial = (self.partial + chunk).split(b"\n")
            at = self.offset - len(self.partial) - sum(len(raw) + 1 for raw in whole)
            for raw in whole:
                yield from self._line(raw, at)
                at += len(raw) + 1
            if len(self.partial) > LONGEST_LINE:
                yield from self.rest()

    def rest(self) -> Iterator[Line]:
        """Yield the line that has no end yet."""
        raw, self.partial = self.partial, b""
        if raw:
            yield from self._line(raw, self.offset - len(raw))

    def _line(self, raw: bytes, at: int) -> Iterator[Line]:
        text = raw.rstrip(b"\r").decode(errors="replace")
        when = stamp(text)
        if when is None:
            entry = bisect_right(self.ends, at)
            when = self.index[entry][0] if entry < len(self.index) else _changed(self.fd)
        if self.since is None or when >= self.since:
            yield Line(self.part, when, text)


def _changed(fd: int) -> float:
    return os.fstat(fd).st_mtime


def _is(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False
