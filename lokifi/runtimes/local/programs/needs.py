"""What is asked for (`Need`) and the two answers: a `Program` to run, or an `Unfit` that says why not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lokifi.kit.errors import ToolMissing

Version = tuple[int, ...]
Source = Literal["machine", "prefix", "wheel"]


@dataclass(frozen=True, slots=True)
class Need:
    """A program by its lokifi name, the oldest version that will do and the newest major, if there is one.

    `features` are optional modules the binary must have been built with (nginx: `stub_status`, `ssl`, …).
    """

    name: str
    minimum: Version = ()
    maximum_major: int | None = None
    features: tuple[str, ...] = ()

    def objection(self, version: Version) -> str:
        """Why `version` will not do; empty when it will. A missing number counts as 0 (15 is 15.0)."""
        if _significant(version) < _significant(self.minimum):
            return f"is older than {dotted(self.minimum)}"
        if self.maximum_major is not None and version[:1] > (self.maximum_major,):
            return f"is newer than {self.maximum_major}"
        return ""

    @property
    def wanted(self) -> str:
        """The need in words: `15 or newer, at most 17, with stub_status`."""
        words = [f"{dotted(self.minimum)} or newer" if self.minimum else "any version"]
        if self.maximum_major is not None:
            words.append(f"at most {self.maximum_major}")
        if self.features:
            words.append("with " + " and ".join(self.features))
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Program:
    """A binary that was asked for its version and fits; `package` is empty for one of the machine."""

    name: str
    path: Path
    version: str
    source: Source
    library_path: tuple[str, ...] = ()
    package: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What must be in the environment of this program, and of its siblings, for it to start."""
        return {"LD_LIBRARY_PATH": ":".join(self.library_path)} if self.library_path else {}

    def sibling(self, name: str) -> Path:
        """The program `name` of the same installation (`initdb` of a postgres); raises `ToolMissing`.

        Looks beside the real file first: a link to one postgres may stand beside the psql of another.
        """
        if not name or "/" in name or name in (".", ".."):
            raise ToolMissing(f"{name!r} is no name of a program", place=str(self.path))
        for folder in (self.path.resolve().parent, self.path.parent):
            if runnable(folder / name):
                return folder / name
        raise ToolMissing(
            f"{self.name} {self.version} comes without {name}",
            hint=f"install the package that holds {name} beside {self.path.name}",
            place=str(self.path.parent),
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """A binary that was looked at and does not do, with the reason."""

    path: Path
    source: Source
    version: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}{' ' + self.version if self.version else ''} {self.problem}"


@dataclass(frozen=True, slots=True)
class Unfit:
    """No binary fits `name`: the reason in one sentence, and everything that was looked at."""

    name: str
    reason: str
    found: tuple[Seen, ...] = ()


def dotted(version: Version) -> str:
    """`15.18` for (15, 18)."""
    return ".".join(str(number) for number in version)


def numbers(text: str) -> Version:
    """(15, 18) for `15.18`, which must be digits and dots only."""
    return tuple(int(part) for part in text.split("."))


def runnable(path: Path) -> bool:
    """Whether `path` is a regular file, links followed, that this user may execute."""
    try:
        return path.is_file() and os.access(path, os.X_OK)
    except OSError:
        return False


def _significant(version: Version) -> Version:
    while version and version[-1] == 0:
        version = version[:-1]
    return version
