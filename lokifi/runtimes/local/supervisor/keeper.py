"""Keep the log of one part: rotate it, survive its removal, note when which byte was there.

The part itself holds the file open for appending and writes into it directly, so that it neither
blocks nor breaks when the supervisor dies. Hence the file cannot be swapped under it: its head is
copied away and then given back to the filesystem as a hole (fallocate(2), PUNCH_HOLE), which loses
no line however fast the part writes. Where the filesystem has no holes the file is copied to its end
and truncated at once; what is written between these two calls would be lost.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from lokifi.kit.linux import first_data, punch_hole

LARGEST = 10 * 1024 * 1024
KEPT = 5
CHUNK = 256 * 1024
LONGEST_LINE = 64 * 1024
CUT = "cut"


class Keeper:
    """The log at `path`. Every method but `open_for_part` swallows nothing and may raise OSError."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        self.path = path
        self.index = path.with_name(f"{path.name}.index")
        self.largest = largest
        self.fd: int | None = None
        self.size = 0
        self.released = 0
        self.lost: list[tuple[int, int]] = []

    def open_for_part(self, uid: int | None, gid: int | None) -> int:
        """Return a new descriptor to append with; the file belongs to the part's user, who may reopen it."""
        self.drain()
        self._drop_lost()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self.path, flags, 0o600)
        if uid is not None and gid is not None:
            os.fchown(fd, uid, gid)
        return fd

    def adopt(self, pid: int) -> None:
        """Go on keeping what `pid` writes into, also when that file was removed while nobody kept it."""
        try:
            fd = os.open(f"/proc/{pid}/fd/1", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return
        if _same(fd, self.path) or not (os.fstat(fd).st_mode & 0o100000):
            os.close(fd)
        else:
            self.lost.append((fd, first_data(fd)))

    def look(self) -> bool:
        """Index what grew, go on in a new file when the old one is gone; True when rotation is due."""
        if self.fd is not None and not _same(self.fd, self.path):
            self.lost.append((self.fd, line_start(self.fd, self.size)))
            self.fd = None
            self.index.unlink(missing_ok=True)
        if self.fd is None:
            self._open()
        self.drain()
        assert self.fd is not None
        size = os.fstat(self.fd).st_size
        if size < self.size:
            self.size = self.released = 0
            self.index.unlink(missing_ok=True)
        if size > self.size:
            self.size = size
            self._note(f"{time.time():.3f} {size}")
        return size - self.released > self.largest

    def drain(self) -> None:
        """Copy what was written into removed files behind what is in the present one."""
        for at, (fd, offset) in enumerate(self.lost):
            end = os.fstat(fd).st_size
            if end <= offset:
                continue
            target = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                while offset < end and (chunk := os.pread(fd, min(CHUNK, end - offset), offset)):
                    offset += os.write(target, chunk)
            finally:
                os.close(target)
                self.lost[at] = (fd, offset)
            if os.fstat(fd).st_nlink == 0:
                punch_hole(fd, 0, offset)

    async def rotate(self) -> None:
        """Move all whole lines to `path`.1, the older ones up."""
        if self.fd is None:
            return
        start, cut = self.released, line_start(self.fd, os.fstat(self.fd).st_size)
        if cut <= start:
            return
        scratch = self.path.with_name(f".{self.path.name}.tmp")
        target = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            await self._copy(target, start, cut)
            self._shift()
            scratch.replace(self._numbered(1))
            self._split_index(start, cut)
            if self.fd is not None and not punch_hole(self.fd, start, cut):
                self._truncate(target, cut)
            else:
                self.released = cut
        finally:
            os.close(target)
            scratch.unlink(missing_ok=True)

    def shed(self) -> None:
        """Give every descriptor back; the next look opens what it needs again."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
        self._drop_lost()

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self.fd = os.open(self.path, flags, 0o600)
        present = os.fstat(self.fd).st_size
        self.released = first_data(self.fd)
        noted = _lines(self.index)
        self.size = int(noted[-1][1]) if noted else 0
        if self.size > present:
            self.size = 0
            self.index.unlink(missing_ok=True)
        for cut in [int(offset) for stamp, offset in noted if stamp == CUT and int(offset) <= present]:
            # Killed between writing down the cut and making the hole: the bytes are safe in .1.
            if self.released < cut and punch_hole(self.fd, 0, cut):
                self.released = cut

    def _drop_lost(self) -> None:
        for fd, _ in self.lost:
            os.close(fd)
        self.lost.clear()

    async def _copy(self, target: int, start: int, end: int) -> None:
        offset, head = start, True
        while offset < end and self.fd is not None:
            chunk = os.pread(self.fd, min(CHUNK, end - offset), offset)
            if not chunk:
                return
            offset += len(chunk)
            _write(target, chunk.lstrip(b"\0") if head else chunk)
            head = head and not chunk.strip(b"\0")
            await asyncio.sleep(0)

    def _truncate(self, target: int, copied: int) -> None:
        assert self.fd is not None
        while chunk := os.pread(self.fd, CHUNK, copied):
            copied += len(chunk)
            _write(target, chunk)
        os.ftruncate(self.fd, 0)
        self.size = self.released = 0
        self.index.unlink(missing_ok=True)

    def _shift(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            for suffix in ("", ".index"):
                older = self._numbered(number, suffix)
                if older.exists():
                    older.replace(self._numbered(number + 1, suffix))

    def _split_index(self, start: int, cut: int) -> None:
        moved, stays = [], [f"{CUT} {cut}"]
        for stamp, offset in _lines(self.index):
            if stamp != CUT and int(offset) <= cut:
                moved.append(f"{stamp} {max(0, int(offset) - start)}")
            elif stamp != CUT:
                stays.append(f"{stamp} {offset}")
        moved.append(f"{time.time():.3f} {cut - start}")
        _rewrite(self._numbered(1, ".index"), moved)
        _rewrite(self.index, stays)

    def _numbered(self, number: int, suffix: str = "") -> Path:
        return self.path.with_name(f"{self.path.name}.{number}{suffix}")

    def _note(self, line: str) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self.index, flags, 0o600)
        try:
            os.write(fd, line.encode() + b"\n")
        finally:
            os.close(fd)


def index_of(path: Path) -> list[tuple[float, int]]:
    """Return what is noted beside the log file `path`: at that unix time it ended at that offset."""
    noted = _lines(path.with_name(f"{path.name}.index"))
    return [(float(stamp), int(offset)) for stamp, offset in noted if stamp != CUT]


def _lines(index: Path) -> list[tuple[str, str]]:
    try:
        words = [line.split(" ") for line in index.read_text(errors="replace").splitlines()]
    except OSError:
        return []
    return [(one[0], one[1]) for one in words if len(one) == 2 and one[1].isdigit() and _number(one[0])]


def _number(word: str) -> bool:
    return word == CUT or word.replace(".", "", 1).isdigit()


def _rewrite(path: Path, lines: list[str]) -> None:
    scratch = path.with_name(f".{path.name}.tmp")
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _write(fd, "".join(f"{line}\n" for line in lines).encode())
    finally:
        os.close(fd)
    scratch.replace(path)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _same(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    here = os.fstat(fd)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def line_start(fd: int, end: int) -> int:
    """Return the end of the last whole line before `end`; `end` itself inside an endless line."""
    begin = max(0, end - LONGEST_LINE)
    found = os.pread(fd, end - begin, begin).rfind(b"\n")
    return begin + found + 1 if found >= 0 else end
