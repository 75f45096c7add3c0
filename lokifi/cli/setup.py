"""`lokifi setup`."""

from __future__ import annotations

import time

from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.report import doctor
from lokifi.report.progress import Progress, fetching


@define(
    "setup",
    [
        ("setup", "fetch what 'lokifi doctor' says is missing"),
        ("setup -e staging", "for another environment"),
    ],
)
def command(call: Call) -> None:
    """Get the programs that are missing into a folder of your own. Needs no root and starts no service."""
    session = session_of(call)
    with Progress(call.err) as progress:
        session.site.setup(session.stack, fetching(progress, time.time))
    doctor.text(call.out, session.site.tools(session.stack))
