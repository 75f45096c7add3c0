"""`lokifi down`."""

from __future__ import annotations

import sys

import click

from lokifi import flow
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.kit.errors import UsageError
from lokifi.report.progress import Progress


@define(
    "down",
    [
        ("down", "stop every part; 'lokifi up' continues with the same data"),
        ("down --purge", "and delete the data of this environment, after a question"),
        ("down --purge --yes", "the same in a script"),
    ],
)
@click.option("--purge", is_flag=True, help="Delete the environment's data, logs and secrets too.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def command(call: Call, purge: bool, yes: bool) -> None:
    """Stop every part in the reverse order of its start. The data stays."""
    progress = Progress(call.err)
    session = session_of(call, listen=progress)
    if purge and not yes:
        if not sys.stdin.isatty():
            raise UsageError("--purge deletes data and cannot ask here", hint="add --yes if you mean it")
        where = f"{session.project.platform.platform} · {session.project.environment}"
        click.confirm(f"Delete all data, logs and secrets of {where}?", abort=True, err=True)
    with progress:
        flow.down(session, progress, purge=purge)
    call.out.line("Everything is stopped, and its data deleted." if purge else "Everything is stopped; the data stays.")
