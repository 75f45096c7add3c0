"""The only place that runs other programs: lists of arguments, never a shell, never an orphan.

`run` waits for the whole answer, `stream` hands over the lines as they come, `attach` lends the
terminal, `detach` starts a daemon. Held children of the supervisor are forked by `lokifi.kit.spawn`.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lokifi.kit.errors import LokifiError, RuntimeFailed, TimedOut, ToolMissing

LONGEST_LINE = 64 * 1024
AFTER_KILL = 1.0


# What `run` and `stream` have under way, for an interrupt that must end it from another thread.
_under_way: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group a program runs as; no supplementary group comes along."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended (negative: by that signal) and what it said, invalid UTF-8 replaced."""

    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | bytes | None = None,
    timeout: float | None = None,
    user: Account | None = None,
) -> Completed:
    """Run `argv` to its end and return what it said; an exit code other than 0 is no error here.

    `env` is the whole environment (None: this process's own); `timeout` is in seconds; standard
    input is `input`, else empty. The program leads a session of its own: on a time-out, and when
    the caller is interrupted, its whole group is killed. Raises `ToolMissing` when the program is
    absent or cannot be executed, `TimedOut`, and `RuntimeFailed` when it could not be started.
    """
    raw = input.encode() if isinstance(input, str) else input
    process = _start(
        argv,
        cwd=cwd,
        env=env,
        user=user,
        stdin=subprocess.DEVNULL if raw is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    finished = False
    try:
        out, err = process.communicate(raw, timeout=timeout)
        finished = True
    except subprocess.TimeoutExpired as error:
        raise _timed_out(argv, timeout) from error
    finally:
        _under_way.discard(process)
        if not finished:
            _kill_group(process)
    return Completed(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def stream(
    argv: Sequence[str | Path],
    *,
    on_line: Callable[[str], None],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    user: Account | None = None,
) -> int:
    """Run `argv`, give each line it prints (output and errors, no line end) to `on_line`; return its exit code.

    A line longer than 64 KiB comes in pieces. Otherwise as `run`, with the same errors; an
    exception out of `on_line` kills the program's group too.
    """
    process = _start(
        argv,
        cwd=cwd,
        env=env,
        user=user,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = None if timeout is None else time.monotonic() + timeout
    assert process.stdout is not None
    finished = False
    try:
        if not _pump(process.stdout, on_line, deadline):
            raise _timed_out(argv, timeout)
        process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        finished = True
    except subprocess.TimeoutExpired as error:
        raise _timed_out(argv, timeout) from error
    finally:
        _under_way.discard(process)
        if not finished:
            _kill_group(process)
        process.stdout.close()
    return process.returncode


def attach(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: Account | None = None,
) -> int:
    """Run `argv` on this terminal (its input, output and signals) and return its exit code.

    An interrupt belongs to the program: it is waited for, not killed. Errors as `run`.
    """
    process = _start(argv, cwd=cwd, env=env, user=user, own_session=False)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def detach(argv: Sequence[str | Path], *, output: Path, cwd: Path, env: Mapping[str, str]) -> int:
    """Start a daemon without a terminal and return the exit code with which its first process lets go.

    The program forks by itself and its first process exits once the rest is at work. All it prints is
    appended to `output`, which is created 0600. Raises `ToolMissing`, and OSError for `output`.
    """
    log = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        process = _start(argv, cwd=cwd, env=env, user=None, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    finally:
        os.close(log)
    return process.wait()


def end_all() -> None:
    """Kill, with its group, every program that `run` or `stream` has under way; for a process that is about to end."""
    for process in tuple(_under_way):
        _kill(process)


def _start(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    user: Account | None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    own_session: bool = True,
) -> subprocess.Popen[bytes]:
    if isinstance(argv, str) or not argv:
        raise TypeError("argv is a list that begins with the program")
    words = [os.fspath(word) for word in argv]
    pipes = {name: _pipe_of(user) for name, to in (("stdout", stdout), ("stderr", stderr)) if user and to == subprocess.PIPE}
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=stdin,
            stdout=pipes["stdout"][1] if "stdout" in pipes else stdout,
            stderr=pipes["stderr"][1] if "stderr" in pipes else stderr,
            start_new_session=own_session,
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
        )
    except ValueError as error:
        raise RuntimeFailed(f"cannot start {words[0]!r}: {error}") from error
    except OSError as error:
        raise _cannot_start(words[0], cwd, error) from error
    else:
        for name, (reading, _) in pipes.items():
            setattr(process, name, os.fdopen(os.dup(reading), "rb"))
    finally:
        for pipe in pipes.values():
            for end in pipe:
                os.close(end)
    if own_session:
        _under_way.add(process)
    return process


def _pipe_of(user: Account) -> tuple[int, int]:
    """A pipe that belongs to `user`, whose program may open it again by name (`/dev/stdout`), as nginx does."""
    reading, writing = os.pipe()
    os.fchown(writing, user.uid, user.gid)
    return reading, writing


def _cannot_start(program: str, cwd: Path | None, error: OSError) -> LokifiError:
    if cwd is not None and not cwd.is_dir():
        return RuntimeFailed(f"cannot start {program}: its folder does not exist", place=str(cwd))
    if isinstance(error, FileNotFoundError):
        return ToolMissing(f"{program} is not installed", hint="'lokifi doctor' shows what is missing")
    if isinstance(error, PermissionError) or error.strerror == "Exec format error":
        return ToolMissing(f"{program} cannot be executed: {error.strerror}", hint="check its rights")
    return RuntimeFailed(f"cannot start {program}: {error.strerror}")


def _timed_out(argv: Sequence[str | Path], timeout: float | None) -> TimedOut:
    return TimedOut(f"{Path(argv[0]).name} did not finish within {timeout:g} s and was killed")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill what `process` started; its pid cannot be a stranger's, for it has not been waited for."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill it, and leave nothing of it in this process."""
    _kill(process)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None and not pipe.closed:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
    try:
        process.wait(AFTER_KILL)
    except subprocess.TimeoutExpired:
        return


def _pump(pipe: IO[bytes], on_line: Callable[[str], None], deadline: float | None) -> bool:
    """Hand over lines until the end of the pipe (True) or the deadline on the monotonic clock (False)."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            if not selector.select(left):
                continue
            chunk = os.read(pipe.fileno(), LONGEST_LINE)
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) >= LONGEST_LINE or (not chunk and rest):
                lines.append(rest)
                rest = b""
            for line in lines:
                on_line(line.rstrip(b"\r").decode(errors="replace"))
            if not chunk:
                return True
