"""Asking a binary for its version: bounded in time and output, with a clean environment, read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lokifi.kit import process
from lokifi.kit.errors import LokifiError, TimedOut

TIMEOUT = 5.0
LONGEST_ANSWER = 64 * 1024


class _TooMuch(Exception):
    """The program printed more than any version is long."""


def clean(path: Path, library_path: Sequence[str] = (), extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment for running `path`: nothing of the caller's, so no LD_PRELOAD or PYTHONPATH.

    Its own folder leads the PATH, for scripts that call their neighbour (`#!/usr/bin/env node`).
    """
    environment = {"PATH": f"{path.parent}:/usr/bin:/bin", "LC_ALL": "C", **(extra or {})}
    if library_path:
        environment["LD_LIBRARY_PATH"] = ":".join(library_path)
    return environment


def ask(argv: Sequence[str | Path], environment: Mapping[str, str], timeout: float | None = None) -> tuple[str, str]:
    """What `argv` prints (errors too) and what was wrong with it, if anything: (text, problem).

    `timeout` is in seconds (None: 5); at most 64 KiB are read. Raises nothing: a problem is an answer.
    """
    timeout = TIMEOUT if timeout is None else timeout
    lines: list[str] = []
    size = 0

    def keep(line: str) -> None:
        nonlocal size
        size += len(line) + 1
        if size > LONGEST_ANSWER:
            raise _TooMuch
        lines.append(line)

    shown = " ".join([Path(argv[0]).name, *map(str, argv[1:])])
    try:
        code = process.stream(argv, on_line=keep, env=environment, cwd=Path("/"), timeout=timeout)
    except _TooMuch:
        return "", f"prints more than {LONGEST_ANSWER // 1024} KiB for '{shown}'"
    except TimedOut:
        return "", f"does not answer '{shown}' within {timeout:g} s"
    except LokifiError as error:
        return "", f"cannot be run: {error.sentence}"
    text = "\n".join(lines)
    if code != 0:
        first = next((line for line in lines if line.strip()), "nothing")
        return text, f"ends '{shown}' with code {code}: {printable(first)}"
    return text, ""


def printable(text: str, longest: int = 120) -> str:
    """`text` as one safe line for an error: control characters escaped, cut at `longest` characters."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text.strip())
    return line if len(line) <= longest else line[: longest - 1] + "…"
