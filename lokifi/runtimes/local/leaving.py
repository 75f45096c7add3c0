"""Before a reload: the processes that it will replace end their connections, each with its next answer."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from lokifi.kit.files import ensure_dir
from lokifi.kit.proc import Identity
from lokifi.plan.stack import Part
from lokifi.runtimes.local.folder import SHARED

LEAVE_SECONDS = 1.0
"""How long connections are ended; one that carries a request at least this often is not met by a close on its way."""


def ask(part: Part, processes: Iterable[Identity]) -> None:
    """Ask processes of a part to let their connections go, and give them the time."""
    if not part.leaving:
        return
    forget(part)
    for process in processes:
        (Path(part.leaving) / str(process.pid)).touch()
    time.sleep(LEAVE_SECONDS)


def forget(part: Part) -> None:
    """Ask nobody any more: the numbers of processes are given out again."""
    if part.leaving:
        for asked in ensure_dir(Path(part.leaving), SHARED).iterdir():
            asked.unlink()
