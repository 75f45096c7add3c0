"""Being somebody else for a moment: what a user without rights sees, also when the tests run as root."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

NOBODY = 65534


def as_nobody(check: Callable[[], str]) -> str:
    """What `check` returns in a child process without the rights of root (or as this user, who has none)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writing, check().encode())
            os._exit(0)
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read().decode()
    os.waitpid(pid, 0)
    return answer


PYTHON = sys.executable
