"""How the parts are doing: a table, or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from lokifi.contracts import PartStatus
from lokifi.plan.stack import Address
from lokifi.report.console import cell, columns, show
from lokifi.report.safe import safe
from lokifi.report.screen import Screen
from lokifi.report.times import counted, iso, span

_DOTS = {
    "ready": ("●", "green"),
    "starting": ("◐", "yellow"),
    "restarting": ("◐", "yellow"),
    "stopping": ("◐", "yellow"),
    "unready": ("●", "yellow"),
    "crashing": ("●", "red"),
    "stopped": ("○", "dim"),
}


def text(screen: Screen, title: str, parts: Sequence[PartStatus], now: float) -> None:
    """The table of `parts` under `title`; `now` is Unix seconds."""
    ready = sum(part.state == "ready" for part in parts)
    color = "green" if ready == len(parts) else "yellow"
    verdict = screen.paint(f"{ready} of {counted(len(parts), 'part')} ready", color) if parts else "nothing runs"
    screen.line(f"{screen.paint(safe(title), 'bold')}  {verdict}")
    if parts:
        screen.line()
        show(screen, _table(parts, now))


def as_json(platform: str, environment: str, parts: Sequence[PartStatus]) -> dict[str, object]:
    """Every field of every part; times in ISO 8601."""
    return {
        "platform": platform,
        "environment": environment,
        "ready": bool(parts) and all(part.state == "ready" for part in parts),
        "parts": [
            {
                "name": part.name,
                "group": part.group,
                "state": part.state,
                "pid": part.pid or None,
                "restarts": part.restarts,
                "started": iso(part.started),
                "since": iso(part.since),
                "reason": part.reason or None,
                "ports": {name: str(address) for name, address in part.ports.items()},
                "url": part.url or None,
            }
            for part in parts
        ],
    }


def _table(parts: Sequence[PartStatus], now: float) -> Table:
    table = columns("", "PART", "STATE", "UP", "RESTARTS", "PORTS", "")
    table.columns[3].justify = "right"
    table.columns[4].justify = "right"
    sizes = Counter(part.group for part in parts)
    for group, members in groupby(parts, key=lambda part: part.group):
        copies = list(members)
        if sizes[group] > 1 and len(copies) > 1:
            ready = sum(part.state == "ready" for part in copies)
            count = Text(f"{ready} of {len(copies)}", "dim")
            table.add_row("", cell(group), count, "", "", "", "")
        for part in copies:
            _row(table, part, now, indent="  " if len(copies) > 1 else "")
    return table


def _row(table: Table, part: PartStatus, now: float, indent: str) -> None:
    symbol, color = _DOTS.get(part.state, ("●", "yellow"))
    quiet = "dim" if part.state == "stopped" else ""
    running = part.pid and part.started and part.state not in ("stopped", "crashing")
    last = cell(part.reason, color) if part.reason and part.state != "ready" else cell(part.url, "cyan")
    table.add_row(
        Text(symbol, color),
        cell(indent + part.name, quiet),
        cell(part.state, "dim" if part.state == "ready" else color),
        cell(span(now - part.started) if running else "", "dim"),
        cell(str(part.restarts) if part.restarts else "", "yellow"),
        cell(_ports(part.ports), "dim"),
        last,
    )


def _ports(ports: Mapping[str, Address]) -> str:
    """Port numbers; the host only where it is not loopback, the name only where there are several."""
    shown = {name: str(each.port) if each.host in ("127.0.0.1", "::1") else str(each) for name, each in ports.items()}
    if len(shown) == 1:
        return next(iter(shown.values()))
    return ", ".join(text if name == "http" else f"{text} {name}" for name, text in shown.items())
