"""Where the process begins: streams, signals, errors, exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys

from lokifi.cli.commands import COMPLETING, overview
from lokifi.cli.ending import TERMINATED, Terminated, machine_failure, terminate
from lokifi.cli.terminal import own, screens
from lokifi.kit.errors import BUG, INTERRUPTED, LokifiError
from lokifi.report import errors
from lokifi.report.screen import PIPE_CLOSED, Screen


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (see `lokifi.kit.errors`)."""
    given = sys.argv[1:] if arguments is None else arguments
    out, err = screens(given, os.environ)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, terminate)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = _guarded(given, out, err)
        err.flush()
    except LokifiError as error:
        code = error.code
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    if code in (INTERRUPTED, TERMINATED):
        # Threads may be in the middle of a step: what they run is ended, and nobody waits for them.
        importlib.import_module("lokifi.kit.process").end_all()
        out.settle()
        err.settle()
        os._exit(code)
    return code


def _guarded(given: list[str], out: Screen, err: Screen) -> int:
    try:
        return _run(given, out, err)
    except LokifiError as error:
        return errors.tell(error, out, err, json="--json" in own(given))
    except KeyboardInterrupt:
        errors.interrupted(err, "interrupted")
        return INTERRUPTED
    except Terminated:
        errors.interrupted(err, "terminated")
        return TERMINATED
    except BrokenPipeError:
        out.settle()
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the one place: a bug becomes a log and exit code 70
        if failure := machine_failure(error):
            return errors.tell(failure, out, err, json="--json" in own(given))
        log = importlib.import_module("lokifi.report.bug").write(error, given)
        errors.bug(err, type(error).__name__, str(log or ""))
        return BUG


def _run(given: list[str], out: Screen, err: Screen) -> int:
    words = [word for word in given if word != "--no-color"]
    if words in ([], ["--help"], ["-h"], ["help"]) and COMPLETING not in os.environ:
        out.write(overview())
        out.flush()
        return 0
    asked = [*words[1:2], "--help"] if words[:1] == ["help"] else given
    # Looked up by name, so that the help above needs no library of commands.
    code: int = importlib.import_module("lokifi.cli.app").run(asked, out, err)
    out.flush()
    return code
