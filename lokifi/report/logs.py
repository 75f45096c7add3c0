"""Lines of the parts: a coloured name, the time, the text with what was searched for; or an object a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from zlib import crc32

from lokifi.contracts import LogLine
from lokifi.kit.errors import UsageError
from lokifi.report.safe import safe, safe_line
from lokifi.report.screen import Screen
from lokifi.report.times import clock, iso

SEARCHED = 4_000
"""Characters of a line that a pattern sees: bounds what a pattern with nested repetition can cost."""

_COLORS = ("cyan", "magenta", "blue", "yellow", "green")


def pattern_of(text: str) -> re.Pattern[str]:
    """A regular expression of the user; raises `UsageError` when it is none."""
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"{text[:80]!r} is no regular expression: {error}", hint="escape ( [ * + ? with \\") from error


def text(
    screen: Screen, lines: Iterable[LogLine], names: Sequence[str], grep: re.Pattern[str] | None, *, at_once: bool = False
) -> None:
    """Print `lines`; the names of parts, of which `names` are known before, stand in one column."""
    width = max((len(safe(name)) for name in names), default=0)
    for line, shown in _matching(lines, grep):
        name = safe(line.part)
        width = max(width, len(name))
        prefix = screen.paint(name.ljust(width), _COLORS[crc32(name.encode()) % len(_COLORS)])
        screen.line(f"{prefix}  {screen.paint(clock(line.time), 'dim')}  {_highlighted(screen, shown, grep)}".rstrip())
        if at_once:
            screen.flush()


def as_json(screen: Screen, lines: Iterable[LogLine], grep: re.Pattern[str] | None, *, at_once: bool = False) -> None:
    """Print `lines` as JSON objects, one a line, with the text as the part wrote it."""
    for line, _ in _matching(lines, grep):
        screen.json({"time": iso(line.time), "part": line.part, "text": line.text}, indent=None)
        if at_once:
            screen.flush()


def _matching(lines: Iterable[LogLine], grep: re.Pattern[str] | None) -> Iterator[tuple[LogLine, str]]:
    for line in lines:
        shown = safe_line(line.text)
        if grep is None or grep.search(shown[:SEARCHED]):
            yield line, shown


def _highlighted(screen: Screen, shown: str, grep: re.Pattern[str] | None) -> str:
    if grep is None or not screen.color:
        return shown
    searched, rest = shown[:SEARCHED], shown[SEARCHED:]
    return grep.sub(lambda found: screen.paint(found.group(), "bold", "reverse"), searched) + rest
