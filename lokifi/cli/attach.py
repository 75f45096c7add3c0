"""Following the logs of a platform that goes on without us."""

from __future__ import annotations

import time

from lokifi import flow
from lokifi.cli.context import Call
from lokifi.report import logs


def attach(call: Call, session: flow.Session) -> None:
    """Print what the parts write from this moment on, until Ctrl-C."""
    call.out.line()
    call.out.flush()
    try:
        lines = session.running.logs([], time.time(), follow=True)
        logs.text(call.out, lines, list(session.stack.parts), None, at_once=True)
    except KeyboardInterrupt:
        call.err.line()
        call.err.line("The platform keeps running. 'lokifi down' stops it, 'lokifi logs --follow' is back here.")
