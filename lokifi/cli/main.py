"""Where the process begins: streams, signals, errors, exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType

from lokifi.cli.commands import overview
from lokifi.cli.terminal import screens
from lokifi.kit.errors import BUG, INTERRUPTED, LokifiError
from lokifi.report import errors
from lokifi.report.screen import PIPE_CLOSED, Screen

TERMINATED = 143
"""The exit code after SIGTERM: 128 + 15."""


class Terminated(BaseException):
    """SIGTERM came: unwinds like Ctrl-C, so that what was begun is ended properly."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (see `lokifi.kit.errors`)."""
    given = sys.argv[1:] if arguments is None else arguments
    out, err = screens(given, os.environ)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = _guarded(given, out, err)
        out.flush()
        err.flush()
    except LokifiError as error:
        code = error.code
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    if code == PIPE_CLOSED:
        _discard(out)
    return code


def _guarded(given: list[str], out: Screen, err: Screen) -> int:
    try:
        if given in ([], ["--help"], ["-h"]) and "_LOKIFI_COMPLETE" not in os.environ:
            out.write(overview())
            return 0
        # Looked up by name, so that the help above needs no library of commands.
        code: int = importlib.import_module("lokifi.cli.app").run(given, out, err)
        out.flush()
        return code
    except LokifiError as error:
        if "--json" in (given[: given.index("--")] if "--" in given else given):
            out.json(errors.as_json(error))
        else:
            out.flush()
            errors.show(err, error)
        return error.code
    except KeyboardInterrupt:
        errors.interrupted(err, "interrupted")
        return INTERRUPTED
    except Terminated:
        errors.interrupted(err, "terminated")
        return TERMINATED
    except BrokenPipeError:
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the one place: a bug becomes a log and exit code 70
        log = importlib.import_module("lokifi.report.bug").write(error, given)
        errors.bug(err, type(error).__name__, str(log))
        return BUG


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _discard(out: Screen) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's last flush cannot fail."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), out.fileno())
