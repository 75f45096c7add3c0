"""`lokifi doctor`."""

from __future__ import annotations

from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.kit.errors import ToolMissing
from lokifi.report import doctor


@define(
    "doctor",
    [
        ("doctor", "the programs this platform needs"),
        ("doctor --json", "for a program"),
    ],
    json=True,
)
def command(call: Call) -> int:
    """Say which programs the platform needs, which are there, from where, and how to get the rest.

    Exits with 3 when one is missing.
    """
    session = session_of(call)
    rows = session.site.tools(session.stack)
    if call.json:
        call.out.json(doctor.as_json(rows))
    else:
        doctor.text(call.out, rows)
    return ToolMissing.code if any(row.missing for row in rows) else 0
