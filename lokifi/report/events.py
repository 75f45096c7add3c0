"""What happened, one line each; or an object a line."""

from __future__ import annotations

from collections.abc import Iterable

from lokifi.contracts import Event
from lokifi.report.safe import safe
from lokifi.report.screen import Screen
from lokifi.report.times import clock, iso, span

_COLORS = {"failed": "red", "done": "green"}


def text(screen: Screen, events: Iterable[Event], *, at_once: bool = False) -> None:
    """Print `events` in their order."""
    for event in events:
        when = screen.paint(clock(event.time), "dim")
        kind = screen.paint(event.kind.ljust(8), *([_COLORS[event.kind]] if event.kind in _COLORS else []))
        seconds = screen.paint(f"({span(event.seconds)})", "dim") if event.seconds else ""
        what = f"{safe(event.subject):<24}  {safe(event.step):<8}  {safe(event.text)}".rstrip()
        screen.line(f"{when}  {kind}  {what}  {seconds}".rstrip())
        if at_once:
            screen.flush()


def as_json(screen: Screen, events: Iterable[Event], *, at_once: bool = False) -> None:
    """Print `events` as JSON objects, one a line."""
    for event in events:
        body = {
            "time": iso(event.time),
            "kind": event.kind,
            "subject": event.subject,
            "step": event.step or None,
            "text": event.text or None,
            "seconds": event.seconds or None,
        }
        screen.json(body, indent=None)
        if at_once:
            screen.flush()
