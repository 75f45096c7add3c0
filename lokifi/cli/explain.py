"""`lokifi explain`."""

from __future__ import annotations

import click

from lokifi.cli.complete import paths
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.model import explain as origins
from lokifi.model.load import load
from lokifi.report import explain


@define(
    "explain",
    [
        ("explain", "the whole platform, every default filled in"),
        ("explain services.backend", "one service"),
        ("explain edge.drain", "one value and what it means"),
        ("explain -e production --json", "another environment, for a program"),
    ],
    json=True,
)
@click.argument("path", default="", shell_complete=paths)
def command(call: Call, path: str) -> None:
    """Show every value at PATH and where it comes from: a line of the file, an environment, or a default.

    What looks like a password is not shown.
    """
    project = load(call.file, call.environment, call.variables)
    value = origins.explain(project, path)
    if call.json:
        call.out.json(explain.as_json(project.environment, value))
    else:
        explain.text(call.out, value)
