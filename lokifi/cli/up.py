"""`lokifi up`."""

from __future__ import annotations

import time

import click

from lokifi import flow
from lokifi.cli.attach import attach
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.kit.errors import RuntimeFailed, UsageError
from lokifi.report import status
from lokifi.report.progress import Progress, fetching


@define(
    "up",
    [
        ("up", "start the platform; again: change only what differs"),
        ("up --attach", "and follow the logs; Ctrl-C leaves it running"),
        ("up -e staging --yes", "another environment, without a question"),
    ],
    json=True,
)
@click.option("--attach", "-a", "attached", is_flag=True, help="Follow the logs once everything is ready.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before parts that left the file are stopped.")
def command(call: Call, attached: bool, yes: bool) -> int:
    """Make the platform run as the file says, and wait until every part is ready.

    Missing programs are fetched first. Exits with 0 only when every part is ready.
    """
    if attached and call.json:
        raise UsageError("--attach and --json exclude each other", hint="use 'lokifi logs --follow --json' for the logs")
    progress = Progress(call.err)
    session = session_of(call, listen=progress)
    _confirm(session, asked=call.err.live and not yes)
    with progress:
        parts = flow.up(session, progress, fetching(progress, time.time))
    platform, environment = session.project.platform.platform, session.project.environment
    if call.json:
        call.out.json(status.as_json(platform, environment, parts))
    else:
        status.text(call.out, f"{platform} · {environment}", parts, time.time())
    late = [part.name for part in parts if part.state != "ready"]
    if late and call.json:
        return RuntimeFailed.code  # the states say which; a second object would spoil the first
    if late:
        raise RuntimeFailed(f"{', '.join(late)} did not get ready", hint=f"see 'lokifi logs {late[0]}'")
    if attached:
        attach(call, session)
    return 0


def _confirm(session: flow.Session, asked: bool) -> None:
    groups = {part.group for part in session.stack.parts.values()}
    removed = [step.subject for step in session.plan.steps if step.kind == "remove"]
    gone = [name for name in removed if name.rpartition("-")[0] not in groups]  # one copy fewer needs no question
    if asked and gone:
        click.confirm(f"{', '.join(gone)} will be stopped and removed. Go on?", abort=True, err=True)
