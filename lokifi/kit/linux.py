"""The few things of Linux that the standard library does not reach; each says when they are not to be had."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys

PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
FALLOC_FL_KEEP_SIZE = 1  # fallocate(2)
FALLOC_FL_PUNCH_HOLE = 2


def become_subreaper() -> bool:
    """Make orphaned descendants children of this process; False where no kernel call does that."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def punch_hole(fd: int, start: int, end: int) -> bool:
    """Give the bytes [start, end) back to the filesystem, sizes unchanged; False where it cannot."""
    if sys.platform != "linux" or end <= start:
        return end <= start
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return bool(libc.fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, start, end - start) == 0)


def first_data(fd: int) -> int:
    """Return the offset of the first byte that is no hole; the size of the file when there is none."""
    size = os.fstat(fd).st_size
    if not hasattr(os, "SEEK_DATA") or size == 0:
        return 0
    try:
        return os.lseek(fd, 0, os.SEEK_DATA)
    except OSError:
        return size


def peer_uid(connection: socket.socket) -> int | None:
    """Return the user at the other end of a unix socket; None where the kernel does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)
