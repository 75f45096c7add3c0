"""`lokifi shell`."""

from __future__ import annotations

import click

from lokifi import flow
from lokifi.cli.complete import parts
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of


@define(
    "shell",
    [
        ("shell backend", "a shell with the service's environment, in its folder"),
        ("shell postgres", "psql on the platform's database"),
        ("shell redis", "redis-cli"),
    ],
)
@click.argument("part", shell_complete=parts)
def command(call: Call, part: str) -> int:
    """Open a shell as PART sees the world; for a store its own client."""
    session = session_of(call)
    return session.running.shell(flow.known(session.stack, [part])[0])
