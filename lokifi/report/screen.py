"""One output stream and what it can show: colour, redrawing, width, symbols.

Light on purpose: `lokifi --help` imports this and neither rich nor pydantic.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterable
from typing import IO

from lokifi.kit.errors import RuntimeFailed

PIPE_CLOSED = 141
"""The exit code when the reader of the output went away: 128 + SIGPIPE, what a program without a handler shows."""

_SGR = {
    "bold": "1",
    "dim": "2",
    "underline": "4",
    "reverse": "7",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}
# One character each, so that columns stay aligned.
_ASCII = str.maketrans("●○◐✓✗…—–·→│└├─±×“”‘’", "*oo+x~--->|`|-~x\"\"''")


class Screen:
    """A text stream for reports. rich may write to it as to a file."""

    def __init__(self, stream: IO[str], *, color: bool = False, live: bool = False, width: int = 100, height: int = 40) -> None:
        self.stream = stream
        self.color = color
        self.live = live
        self.width = width
        self.height = height

    @property
    def encoding(self) -> str:
        return getattr(self.stream, "encoding", None) or "utf-8"

    @property
    def unicode(self) -> bool:
        """Whether symbols outside ASCII can be shown."""
        return self.encoding.lower().replace("-", "").startswith("utf")

    def isatty(self) -> bool:
        return self.live

    def fileno(self) -> int:
        return self.stream.fileno()

    def write(self, text: str) -> int:
        """Write `text`. Ends the program quietly when the reader is gone; raises `RuntimeFailed` when the disk is full."""
        try:
            return self.stream.write(text)
        except OSError as error:
            raise self._broken(error) from error

    def flush(self) -> None:
        """Pass on what was written; errors as `write`."""
        try:
            self.stream.flush()
        except OSError as error:
            raise self._broken(error) from error

    def line(self, text: str = "") -> None:
        self.write(f"{text}\n")

    def lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.line(line)

    def paint(self, text: str, *styles: str) -> str:
        """`text` in the given styles (ECMA-48 SGR), or as it is where there is no colour."""
        codes = ";".join(_SGR[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.color and codes and text else text

    def json(self, value: object, *, indent: int | None = 2) -> None:
        """`value` as JSON in ASCII, which every terminal and every locale can show."""
        self.line(json.dumps(value, indent=indent, ensure_ascii=True).replace("\x7f", "\\u007f"))

    def settle(self) -> None:
        """Pass on what was written if that is possible at all."""
        try:
            self.stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """Let what is still buffered go nowhere, so that no later flush fails again, the interpreter's last included."""
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self.stream.fileno())

    def _broken(self, error: OSError) -> BaseException:
        self._give_up()
        if isinstance(error, BrokenPipeError):
            return SystemExit(PIPE_CLOSED)
        return RuntimeFailed(f"cannot write the output: {error.strerror}", hint="make room, or write it elsewhere")


def substitute_symbols() -> None:
    """Register the error handler `lokifi`: what an encoding cannot write becomes a like character, else an escape."""
    codecs.register_error("lokifi", _substitute)


def _substitute(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    piece = error.object[error.start : error.end].translate(_ASCII)
    return "".join(char if char.isascii() else char.encode("unicode_escape").decode() for char in piece), error.end
