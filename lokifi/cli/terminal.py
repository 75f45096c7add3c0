"""What the environment says about the two output streams."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import IO

from lokifi.report.screen import Screen, substitute_symbols


def screens(arguments: Sequence[str], variables: Mapping[str, str]) -> tuple[Screen, Screen]:
    """The screens of standard output and standard error, also where one of them was closed."""
    substitute_symbols()
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - lives as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    posix = variables.get("LC_ALL") in ("C", "POSIX")  # Python takes it for UTF-8 (PEP 540), a terminal may not
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="ascii" if posix else None, errors="lokifi")
    quiet = "--no-color" in own(arguments)
    return _screen(sys.stdout, quiet, variables), _screen(sys.stderr, quiet, variables)


def own(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments that are lokifi's: those up to `--`."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _screen(stream: IO[str], quiet: bool, variables: Mapping[str, str]) -> Screen:
    terminal = stream.isatty()
    capable = terminal and (variables.get("TERM") or "dumb") != "dumb"
    forced = bool(variables.get("FORCE_COLOR"))
    color = (capable or forced) and not quiet and not variables.get("NO_COLOR")
    width, height = _size(stream) if terminal else (100, 40)
    columns = variables.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit():
        width = int(columns)
    return Screen(stream, color=color, live=capable, width=min(max(width, 60), 200), height=max(height, 8))


def _size(stream: IO[str]) -> tuple[int, int]:
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 100, 40
    return size.columns or 100, size.lines or 40
