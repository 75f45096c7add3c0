"""How the process ends when neither it nor the user's file is at fault: signals, closed pipes, full disks."""

from __future__ import annotations

import errno
from types import FrameType

from lokifi.kit.errors import RuntimeFailed

TERMINATED = 143
"""The exit code after SIGTERM: 128 + 15."""

_MACHINE = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EMFILE,
        errno.ENFILE,
        errno.EIO,
        errno.ENOMEM,
        errno.EAGAIN,
    }
)


class Terminated(BaseException):
    """SIGTERM, or SIGHUP from a terminal that went away: unwinds like Ctrl-C, so that what was begun is ended properly."""


def terminate(number: int, frame: FrameType | None) -> None:
    """A handler of signals that raises `Terminated`."""
    raise Terminated


def machine_failure(error: BaseException) -> RuntimeFailed | None:
    """The failure that `error` tells of when the machine is its cause (no room, no right, too many files), else None."""
    if not isinstance(error, OSError) or error.errno not in _MACHINE:
        return None
    where = error.filename if isinstance(error.filename, str) else ""
    return RuntimeFailed(f"the machine says: {error.strerror}", hint="mend that and do it again", place=where)
