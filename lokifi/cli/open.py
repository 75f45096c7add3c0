"""`lokifi open`."""

from __future__ import annotations

import webbrowser

import click

from lokifi.cli.complete import parts
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.kit.errors import UsageError
from lokifi.report.safe import safe


@define(
    "open",
    [
        ("open", "the platform's first page"),
        ("open prometheus", "a part that has a page of its own"),
    ],
)
@click.argument("part", default="edge", shell_complete=parts)
def command(call: Call, part: str) -> None:
    """Open the address of PART in the browser, and print it."""
    session = session_of(call)
    pages = {each.name: each.url for each in session.stack.parts.values() if each.url}
    if part not in pages:
        raise UsageError(f"{part[:80]!r} has no page to open", hint=f"these have: {', '.join(pages) or 'none'}")
    call.out.line(safe(pages[part]))
    call.out.flush()
    if not webbrowser.open(pages[part]):
        call.err.line("No browser was found here; the address above is yours to open.")
