"""Which programs the platform needs, what is there, and what to do about the rest."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from lokifi.contracts import Tool
from lokifi.report.console import cell, columns, show
from lokifi.report.safe import safe
from lokifi.report.screen import Screen
from lokifi.report.times import counted


def text(screen: Screen, rows: Sequence[Tool]) -> None:
    """The table, and the commands that get what is missing."""
    table = columns("", "PROGRAM", "WANTED", "FOUND", "FROM", "")
    for row in rows:
        dot = Text("✗", "red") if row.missing else Text("✓", "green")
        last = cell(row.missing, "red") if row.missing else cell(row.path, "dim")
        table.add_row(dot, cell(row.name), cell(row.wanted, "dim"), cell(row.version), cell(row.source, "dim"), last)
    show(screen, table)
    screen.line()
    missing = [row for row in rows if row.missing]
    if not missing:
        screen.line(f"Everything is there: {counted(len(rows), 'program')}.")
        return
    screen.line(f"{counted(len(missing), 'program')} missing. Way out:")
    for command in dict.fromkeys(row.command for row in missing if row.command):
        names = ", ".join(row.name for row in missing if row.command == command)
        screen.line(f"  {screen.paint(safe(command), 'bold')}  {screen.paint(safe(names), 'dim')}")


def as_json(rows: Sequence[Tool]) -> dict[str, object]:
    """Every row, and whether all is there."""
    fields = ("name", "wanted", "version", "source", "path", "missing", "command")
    programs = [{field: getattr(row, field) or None for field in fields} for row in rows]
    return {"ready": not any(row.missing for row in rows), "programs": programs}
