"""Every error a user can see, and its exit code.

    LokifiError
    ├── FileError        2   the platform file, or an argument, is wrong
    │   └── Problems         several of them at once
    ├── UsageError       2
    ├── ToolMissing      3   a program is missing; the hint is the command that installs it
    ├── RuntimeFailed    4   the engine or one of the parts failed
    │   ├── TimedOut
    │   └── Refused          the present state forbids it (taken port, foreign folder, newer state file)
    ├── LockHeld        75   somebody else is changing this environment (EX_TEMPFAIL of sysexits.h)
    └── NotProven        5   an experiment could not decide

0 is fine, 1 a broken promise, 70 (EX_SOFTWARE of sysexits.h) a bug of lokifi, 130 an interrupt.
"""

from __future__ import annotations

from collections.abc import Sequence

PROMISE_BROKEN = 1
BUG = 70
INTERRUPTED = 130


class LokifiError(Exception):
    """A failure with a place, one sentence and a way out; never a traceback for the user."""

    code = 4

    def __init__(self, sentence: str, *, hint: str = "", place: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        line = f"{self.place}: {self.sentence}" if self.place else self.sentence
        return f"{line} — {self.hint}" if self.hint else line


class FileError(LokifiError):
    """The platform file is wrong at `place`, which reads `file:line:column: path`."""

    code = 2


class Problems(FileError):
    """All that is wrong with a platform file, in the order of its lines."""

    def __init__(self, problems: Sequence[FileError]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = tuple(problems)


class UsageError(LokifiError):
    """An argument of the command line is wrong."""

    code = 2


class ToolMissing(LokifiError):
    """A program that is needed is not there, or too old."""

    code = 3


class RuntimeFailed(LokifiError):
    """The engine underneath, or one of the parts, failed."""

    code = 4


class TimedOut(RuntimeFailed):
    """Something did not answer within its time."""


class Refused(RuntimeFailed):
    """The present state forbids the operation; nothing was touched."""


class LockHeld(LokifiError):
    """Another command is changing this environment."""

    code = 75


class NotProven(LokifiError):
    """An experiment could not decide."""

    code = 5
