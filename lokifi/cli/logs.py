"""`lokifi logs`."""

from __future__ import annotations

import time

import click

from lokifi import flow
from lokifi.cli.complete import parts
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.cli.since import moment
from lokifi.report import logs


@define(
    "logs",
    [
        ("logs", "what is kept of every part"),
        ("logs backend --follow", "follow all copies of a service"),
        ("logs --since 10m --grep 'error|timeout'", "what matched in the last ten minutes"),
        ("logs redis --json", "an object a line, for a program"),
    ],
    json=True,
)
@click.argument("names", nargs=-1, metavar="[PART]...", shell_complete=parts)
@click.option("--since", metavar="WHEN", help="From then on: 10m, 2h, 1d or a time such as 2026-11-22T14:00.")
@click.option("--follow", "-F", is_flag=True, help="Go on with what they write.")
@click.option("--grep", "-g", metavar="REGEX", help="Only lines that match, in their first 4,000 characters.")
def command(call: Call, names: tuple[str, ...], since: str | None, follow: bool, grep: str | None) -> None:
    """Show what the parts wrote, rotated files included, in the order of time."""
    pattern = logs.pattern_of(grep) if grep is not None else None
    begin = moment(since, time.time()) if since is not None else None
    session = session_of(call)
    chosen = flow.known(session.stack, names) if names else []
    lines = session.running.logs(chosen, begin, follow)
    if call.json:
        logs.as_json(call.out, lines, pattern, at_once=follow)
    else:
        logs.text(call.out, lines, chosen or list(session.stack.parts), pattern, at_once=follow)
