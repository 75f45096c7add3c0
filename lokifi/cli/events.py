"""`lokifi events`."""

from __future__ import annotations

import time

import click

from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.cli.since import moment
from lokifi.report import events


@define(
    "events",
    [
        ("events", "all that is kept"),
        ("events --since 1h --follow", "the last hour, then what comes"),
        ("events --json", "an object a line, for a program"),
    ],
    json=True,
)
@click.option("--since", metavar="WHEN", help="From then on: 10m, 2h, 1d or a time such as 2026-11-22T14:00.")
@click.option("--follow", "-F", "follow", is_flag=True, help="Go on with what happens.")
def command(call: Call, since: str | None, follow: bool) -> None:
    """Show what happened to the platform: steps of plans, and parts that started, failed or recovered."""
    begin = moment(since, time.time()) if since is not None else None
    found = session_of(call).running.events(begin, follow)
    if call.json:
        events.as_json(call.out, found, at_once=follow)
    else:
        events.text(call.out, found, at_once=follow)
