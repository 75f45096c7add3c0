"""Start a program that outlives this process: held back until its number has been written down.

The child waits at a barrier (a pipe) before it becomes the program. The parent records who the
child is and lets it pass; when the parent dies in between, the pipe ends and the child exits without
ever having become the program. So no program runs that is not on record.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from lokifi.kit.process import Account

NEVER_RELEASED = 125
NOT_EXECUTABLE = 126
NOT_FOUND = 127
# What Python or a daemon ignores (and a program would inherit), or handles in ways that are not the child's.
HANDLED = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGPIPE,
    signal.SIGTERM,
    signal.SIGCHLD,
    signal.SIGXFSZ,
)


@dataclass(frozen=True, slots=True)
class Launch:
    """A program to be: `env` is the whole environment, `output` a descriptor for both its outputs."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    output: int
    account: Account | None = None
    nofile: int | None = None


@dataclass(slots=True)
class Held:
    """A child at the barrier."""

    pid: int
    barrier: int

    def release(self) -> None:
        """Let it become the program (or exit, when it has been killed meanwhile)."""
        try:
            os.write(self.barrier, b"x")
        except BrokenPipeError:
            pass
        finally:
            os.close(self.barrier)

    def abandon(self) -> None:
        """Close the barrier: the child exits without having become anything."""
        os.close(self.barrier)


def fork_held(launch: Launch) -> Held:
    """Fork the leader of a new session that waits for `release` before it becomes `launch.argv`.

    A program that cannot be executed says so on its output and exits with 127 (absent) or 126, as a
    shell does. Raises OSError when there is no descriptor, memory or process left.
    """
    reader, writer = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            os.close(writer)
            _become(launch, reader)
    except OSError:
        os.close(writer)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        os.close(reader)
    return Held(pid, writer)


def _become(launch: Launch, barrier: int) -> NoReturn:
    status = NOT_EXECUTABLE
    try:
        os.setsid()
        _default_signals()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(launch.output, 1)
        os.dup2(launch.output, 2)
        if launch.nofile is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            most = launch.nofile if hard == resource.RLIM_INFINITY else min(launch.nofile, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        os.umask(0o022)
        if launch.account is not None:
            os.setgroups([])
            os.setgid(launch.account.gid)
            os.setuid(launch.account.uid)
        os.chdir(launch.cwd)
        if not os.read(barrier, 1):
            os._exit(NEVER_RELEASED)
        os.execvpe(launch.argv[0], list(launch.argv), dict(launch.env))  # noqa: S606 - no shell is the point
    except (OSError, ValueError) as error:
        status = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        os.write(2, f"lokifi: cannot run {launch.argv[0]} in {launch.cwd}: {error}\n".encode())
    finally:
        os._exit(status)


def _default_signals() -> None:
    for number in HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
