"""`lokifi exec`."""

from __future__ import annotations

import click

from lokifi import flow
from lokifi.cli.complete import parts
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of


@define(
    "exec",
    [
        ("exec backend -- python -m markets.migrate", "with the service's environment, in its folder"),
        ("exec backend-2 -- env", "as one of its copies"),
    ],
)
@click.argument("part", shell_complete=parts)
@click.argument("argv", nargs=-1, required=True, metavar="-- COMMAND...")
def command(call: Call, part: str, argv: tuple[str, ...]) -> int:
    """Run COMMAND with the folder, the programs and the environment of PART. Exits with the command's own code."""
    session = session_of(call)
    return session.running.execute(flow.known(session.stack, [part])[0], argv)
