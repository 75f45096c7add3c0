"""`lokifi scale`."""

from __future__ import annotations

import time

import click

from lokifi import flow
from lokifi.cli.complete import scales
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.kit.errors import UsageError
from lokifi.report import status
from lokifi.report.progress import Progress, fetching


@define(
    "scale",
    [
        ("scale backend=5", "five copies of a service"),
        ("scale backend=2 ticker=1", "several services at once"),
    ],
    json=True,
)
@click.argument("wanted", nargs=-1, required=True, metavar="NAME=N...", shell_complete=scales)
def command(call: Call, wanted: tuple[str, ...]) -> None:
    """Run more or fewer copies of services, within the bounds of 'scale' in the file, without a lost request."""
    progress = Progress(call.err)
    session = session_of(call, scale=dict(map(parse, wanted)), listen=progress)
    with progress:
        rows = flow.up(session, progress, fetching(progress, time.time))
    platform, environment = session.project.platform.platform, session.project.environment
    if call.json:
        call.out.json(status.as_json(platform, environment, rows))
    else:
        status.text(call.out, f"{platform} · {environment}", rows, time.time())


def parse(argument: str) -> tuple[str, int]:
    """`backend=3` taken apart; raises `UsageError`."""
    name, equals, number = argument.partition("=")
    if not (name and equals and number.isascii() and number.isdigit() and len(number) <= 4):
        raise UsageError(f"{argument[:80]!r} says no number of copies", hint="write NAME=N, as in backend=3")
    return name, int(number)
