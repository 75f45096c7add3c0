"""`lokifi check`."""

from __future__ import annotations

from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.model.load import load
from lokifi.report import check


@define(
    "check",
    [
        ("check", "the file here, or in a folder above"),
        ("check -f other/lokifi.yaml", "another file"),
        ("check --json", "problems as JSON, for an editor or a pipeline"),
    ],
    json=True,
)
def command(call: Call) -> None:
    """Say what is wrong with the file, in all of its environments at once.

    Exits with 0 when nothing is, with 2 otherwise. 'plan' and 'up' read the file in the same way.
    """
    project = load(call.file, call.environment, call.variables)
    if call.json:
        call.out.json(check.as_json(project))
    else:
        call.out.line(check.line(project))
