"""The log of a fault of lokifi itself: ready to paste, without secrets and without the environment."""

from __future__ import annotations

import platform
import re
import secrets
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from lokifi import __version__
from lokifi.kit.errors import Refused
from lokifi.kit.files import write_atomic
from lokifi.report.safe import safe

_USERINFO = re.compile(r"(?<=://)[^/\s@]*(?=@)")
# What may be a key or a password: long runs without a space that are no path and no name of Python's.
_OPAQUE = re.compile(r"(?<![\w/.-])(?=\S*\d)[A-Za-z0-9+_=-]{24,}(?![\w/.])")


def write(error: BaseException, arguments: Sequence[str]) -> Path | None:
    """Write the log of `error` into the folder for temporary files, readable for its owner alone; returns its path, or None
    where nothing can be written."""
    try:
        path = Path(tempfile.gettempdir()) / f"lokifi-bug-{secrets.token_hex(4)}.log"
        write_atomic(path, log(error, arguments), 0o600)
    except (OSError, Refused):
        return None
    return path


def log(error: BaseException, arguments: Sequence[str]) -> str:
    """Versions, the arguments up to `--` and the traceback; passwords of URLs and what looks like a key are cut out."""
    own = [*arguments[: arguments.index("--")], "-- …"] if "--" in arguments else list(arguments)
    lines = [
        f"lokifi {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"lokifi {' '.join(own)}",
        "",
        *(line for piece in traceback.format_exception(error) for line in piece.rstrip("\n").split("\n")),
    ]
    home = str(Path("~").expanduser())
    return "".join(f"{_cleaned(safe(line), home)}\n" for line in lines)


def _cleaned(line: str, home: str) -> str:
    line = _OPAQUE.sub("(cut out)", _USERINFO.sub("(cut out)", line))
    return line.replace(home, "~") if len(home) > 1 else line
