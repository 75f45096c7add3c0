"""`lokifi status`."""

from __future__ import annotations

import time

from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.report import status


@define(
    "status",
    [
        ("status", "the parts of the first environment"),
        ("status -e staging", "of another"),
        ("status --json", "for a program: every field of every part"),
    ],
    json=True,
)
def command(call: Call) -> None:
    """Show every part with its health, age, restarts, ports and address."""
    session = session_of(call)
    parts = session.running.status()
    platform, environment = session.project.platform.platform, session.project.environment
    if call.json:
        call.out.json(status.as_json(platform, environment, parts))
    else:
        status.text(call.out, f"{platform} · {environment}", parts, time.time())
