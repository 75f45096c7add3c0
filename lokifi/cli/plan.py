"""`lokifi plan`."""

from __future__ import annotations

from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.report import plan


@define(
    "plan",
    [
        ("plan", "what 'lokifi up' would do now, and why"),
        ("plan -e staging", "in another environment"),
        ("plan --json", "every step with its cause and what it waits for"),
    ],
    json=True,
)
def command(call: Call) -> None:
    """Show what 'up' would change and why. This only looks: it writes and starts nothing."""
    session = session_of(call)
    if call.json:
        call.out.json(plan.as_json(session.plan))
    else:
        plan.text(call.out, session.plan)
