"""The history of an environment, as events: what commands did and what parts did by themselves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from lokifi.contracts import Event, EventKind
from lokifi.runtimes.local.supervisor import events

FILE = "events.jsonl"
GLANCE = 0.1


def record(folder: Path, event: Event) -> None:
    """Append `event`; a full disk loses the entry, never the command."""
    events.append(folder, {"step": event.step, "seconds": round(event.seconds, 3), **_body(event)})


def _body(event: Event) -> dict[str, object]:
    return events.make(event.kind, event.subject, event.text)


def read(folder: Path, since: float | None, follow: bool) -> Iterator[Event]:
    """Kept events in their order, then, with `follow`, new ones as they come."""
    path = folder / FILE
    for old in sorted(folder.glob(f"{FILE}.*"), key=lambda each: -int(each.suffix[1:] or 0)):
        yield from _events(old.read_text("utf-8", "replace").splitlines(), since)
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as stream:
        rest = ""
        while True:
            rest += stream.readline()
            if rest.endswith("\n"):
                yield from _events([rest], since)
                rest = ""
            elif not follow:
                return
            else:
                time.sleep(GLANCE)


def _events(lines: list[str], since: float | None) -> Iterator[Event]:
    for line in lines:
        try:
            body = json.loads(line)
            event = Event(
                time=float(body["time"]),
                # What commands do has steps; what a part did by itself has none.
                kind=body["kind"] if "step" in body and body["kind"] in get_args(EventKind) else "part",
                subject=str(body["part"]),
                text=str(body["text"]),
                step=str(body.get("step") or body["kind"]),
                seconds=float(body.get("seconds", 0.0)),
            )
        except (ValueError, KeyError, TypeError):
            continue
        if since is None or event.time >= since:
            yield event
