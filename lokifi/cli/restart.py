"""`lokifi restart`."""

from __future__ import annotations

import time

import click

from lokifi import flow
from lokifi.cli.complete import parts
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.report import status
from lokifi.report.progress import Progress


@define(
    "restart",
    [
        ("restart backend", "all copies of a service, one after the other"),
        ("restart backend-2", "one copy"),
        ("restart redis ticker", "several parts"),
    ],
    json=True,
)
@click.argument("names", nargs=-1, required=True, metavar="PART...", shell_complete=parts)
def command(call: Call, names: tuple[str, ...]) -> None:
    """Stop and start parts, and wait until they are ready."""
    progress = Progress(call.err)
    session = session_of(call, listen=progress)
    chosen = flow.known(session.stack, names)
    with progress:
        rows = flow.restart(session, chosen, progress)
    platform, environment = session.project.platform.platform, session.project.environment
    if call.json:
        call.out.json(status.as_json(platform, environment, rows))
    else:
        status.text(call.out, f"{platform} · {environment}", rows, time.time())
