"""Errors: place, sentence, way out, one line each; or one JSON object."""

from __future__ import annotations

import re

from lokifi.kit.errors import LokifiError, Problems
from lokifi.report.safe import safe
from lokifi.report.screen import Screen

_PLACE = re.compile(r"(?P<file>.*?):(?P<line>\d+):(?P<column>\d+)\Z", re.DOTALL)
_PATH = re.compile(r"(?P<path>[A-Za-z_][\w.\[\]-]*): (?P<sentence>.*)\Z", re.DOTALL)


def show(screen: Screen, error: LokifiError) -> None:
    """A line for each problem that `error` holds. Further lines of a sentence (a part's last words) follow, indented."""
    screen.lines(text for each in _each(error) for text in _lines(screen, each))


def tell(error: LokifiError, out: Screen, err: Screen, *, json: bool) -> int:
    """Report `error` on the screen where its reader looks; returns its exit code."""
    if json:
        out.json(as_json(error))
    else:
        out.settle()
        show(err, error)
    return error.code


def as_json(error: LokifiError) -> dict[str, object]:
    """`error` (its kind), `code` (the exit code) and `problems`, each with its place taken apart."""
    problems = [_problem(each) for each in _each(error)]
    return {"error": type(error).__name__, "code": error.code, "problems": problems}


def interrupted(screen: Screen, word: str) -> None:
    """The one line after Ctrl-C or SIGTERM."""
    screen.line(screen.paint(word, "dim"))


def bug(screen: Screen, name: str, log: str) -> None:
    """What to do about a fault of lokifi itself."""
    screen.line(f"{screen.paint('lokifi has a bug', 'bold', 'red')}: {safe(name)}")
    where = f", ready to paste into a report, is in {safe(log)}" if log else " could not be written: nothing can be, here"
    screen.line(f"A log without secrets{where}")


def _each(error: LokifiError) -> tuple[LokifiError, ...]:
    return error.problems if isinstance(error, Problems) else (error,)


def _lines(screen: Screen, error: LokifiError) -> list[str]:
    first, *others = error.sentence.split("\n")
    start = screen.paint(safe(error.place), "bold") if error.place else screen.paint("lokifi", "bold", "red")
    hint = f"— {screen.paint(safe(error.hint), 'cyan')}" if error.hint else ""
    if others:
        return [f"{start}: {safe(first)}", *(f"    {safe(line.expandtabs(4))}" for line in others), *([hint] if hint else [])]
    return [f"{start}: {safe(first)} {hint}".rstrip()]


def _problem(error: LokifiError) -> dict[str, object]:
    place, path = _PLACE.match(error.place), _PATH.match(error.sentence)
    return {
        "file": place["file"] if place else error.place or None,
        "line": int(place["line"]) if place else None,
        "column": int(place["column"]) if place else None,
        "path": path["path"] if place and path else None,
        "sentence": path["sentence"] if place and path else error.sentence,
        "hint": error.hint or None,
    }
