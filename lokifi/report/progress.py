"""The walk of a plan while it happens: what runs with its seconds, what is done as one line each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from lokifi.contracts import Event, Listener
from lokifi.report.console import cell, console, show
from lokifi.report.screen import Screen
from lokifi.report.times import counted, span

_DONE = {
    "write": "wrote",
    "build": "built",
    "run": "ran",
    "start": "started",
    "wait": "ready",
    "reload": "reloaded",
    "stop": "stopped",
    "remove": "removed",
    "restart": "restarted",
    "fetch": "fetched",
}
_DOING = {
    "write": "writing",
    "build": "building",
    "run": "running",
    "start": "starting",
    "wait": "waiting",
    "reload": "reloading",
    "stop": "stopping",
    "remove": "removing",
    "restart": "restarting",
    "fetch": "fetching",
}
# A written file and a begun process are counted but get no line: the part's readiness says it all.
_SILENT = frozenset({"write", "start"})
# Without a terminal that redraws, the beginning of what may take long gets a line too.
_LONG = frozenset({"build", "run", "fetch"})


@dataclass(slots=True)
class _Running:
    verb: str
    subject: str
    since: float
    text: str = ""


class Progress:
    """A `contracts.Listener` that draws; events may come from any thread. Use it in a `with` statement."""

    def __init__(self, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._clock = clock
        self._begun = clock()
        self._running: dict[tuple[str, str], _Running] = {}
        self._done = 0
        self._failed: set[str] = set()
        # rich's display calls back for a drawing under its own lock, so nothing is printed while `_state` is held.
        self._state = Lock()
        self._printing = Lock()
        self._spinner = Spinner("dots" if screen.unicode else "line", style="cyan")
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._screen.live:
            self._live = Live(
                console=console(self._screen),
                get_renderable=self._drawing,
                refresh_per_second=12.5,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()
        if kind is None and self._done and not self._failed:
            steps = f"{counted(self._done, 'step')} in {span(self._clock() - self._begun)}"
            self._screen.line(self._screen.paint(steps, "dim"))
        self._screen.flush()

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        with self._state:
            row = self._take(event)
        if row is not None:
            with self._printing:
                self._print(row)

    def _take(self, event: Event) -> Text | None:
        """Note `event`; returns the line that it deserves."""
        verb = event.step.split(" ", 1)[0]
        key = (verb, event.subject)
        match event.kind:
            case "started":
                self._running[key] = _Running(verb, event.subject, self._clock(), event.text)
                if verb in _LONG and not self._live:
                    return _line(Text(" "), Text(_DOING[verb]), event.subject, "", cell(_first(event.text), "dim"))
            case "progress" | "part":
                mine = [each for each in self._running.values() if each.subject == event.subject]
                for running in mine:
                    running.text = event.text
                if not mine and event.kind == "progress":
                    return _line(Text("·", "dim"), Text(""), event.subject, "", cell(_first(event.text), "dim"))
            case "done":
                self._running.pop(key, None)
                self._done += 1
                if verb not in _SILENT:
                    return _ended(event, "✓", "green", _DONE.get(verb, verb))
            case "failed":
                self._running.pop(key, None)
                self._failed.add(event.subject)
                return _ended(event, "✗", "red", "not ready" if verb == "wait" else f"{verb} failed")
            case "skipped":
                self._running.pop(key, None)
                if verb not in _SILENT and event.subject not in self._failed:
                    return _ended(event, "·", "dim", "left out")
        return None

    def _print(self, row: Text) -> None:
        if self._live:
            self._live.console.print(row, no_wrap=True, overflow="ellipsis")
        else:
            show(self._screen, row, whole=True)
            self._screen.flush()

    def _drawing(self) -> Group:
        with self._state:
            running = list(self._running.values())
        frame = self._spinner.render(time.monotonic())
        symbol = frame if isinstance(frame, Text) else Text(str(frame))
        room = max(self._screen.height - 4, 1)
        rows = []
        for each in running[:room]:
            seconds = _ticking(self._clock() - each.since)
            rows.append(
                _line(symbol, Text(_DOING.get(each.verb, each.verb)), each.subject, seconds, cell(_first(each.text), "dim"))
            )
        more = [Text(f"  and {len(running) - room} more", "dim")] if len(running) > room else []
        return Group(*rows, *more)


def _ended(event: Event, symbol: str, color: str, word: str) -> Text:
    text = "" if event.text == word else _first(event.text)
    said = cell(text, "red" if event.kind == "failed" else "dim")
    seconds = "" if event.kind == "skipped" else span(event.seconds)
    return _line(Text(symbol, color), Text(word, color), event.subject, seconds, said)


def _first(text: str) -> str:
    return text.split("\n", 1)[0]


def _ticking(seconds: float) -> str:
    """Tenths would flicker; nothing is said in the first half second."""
    return f"{round(seconds)} s" if seconds >= 0.5 else ""


def _line(symbol: Text, word: Text, subject: str, seconds: str, rest: Text) -> Text:
    """Columns of fixed widths, since every line is drawn for itself; a longer subject pushes the rest aside."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for piece, width in ((symbol, 1), (word, 12), (cell(subject), 24)):
        line.append_text(piece).append(" " * (max(width - piece.cell_len, 0) + 2))
    line.append(seconds.rjust(8), "dim")
    return line.append("  ").append_text(rest) if rest else line


def fetching(listen: Listener, now: Callable[[], float]) -> Callable[[str, int, int], None]:
    """A receiver of (what, bytes done, bytes in all) that tells `listen` about it as steps `fetch …`."""
    begun: dict[str, float] = {}

    def take(what: str, done: int, total: int) -> None:
        step, moment = f"fetch {what}", now()
        if what not in begun:
            for earlier in list(begun):  # one after the other; not all of them know their size
                listen(Event(moment, "done", earlier, "", f"fetch {earlier}", moment - begun.pop(earlier)))
            begun[what] = moment
            listen(Event(moment, "started", what, step=step))
        if total and done >= total:
            listen(Event(moment, "done", what, _size(total), step, moment - begun.pop(what)))
        else:
            listen(Event(moment, "progress", what, f"{_size(done)} of {_size(total)}" if total else _size(done), step))

    return take


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.0f} kB"
