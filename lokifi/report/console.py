"""rich on a screen: nothing of what is printed is read as markup, and rich looks at no environment variable."""

from __future__ import annotations

from typing import IO, cast

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from lokifi.report.safe import safe
from lokifi.report.screen import Screen


def console(screen: Screen) -> Console:
    """A console that writes to `screen`."""
    return Console(
        file=cast("IO[str]", screen),
        width=screen.width,
        height=screen.height,
        force_terminal=screen.color or screen.live,
        color_system="standard" if screen.color else None,
        no_color=not screen.color,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )


def show(screen: Screen, *renderables: RenderableType, whole: bool = False) -> None:
    """Print each of `renderables`, without spaces at the ends of lines; `whole` lines are neither wrapped nor cut."""
    page = console(screen)
    for renderable in renderables:
        with page.capture() as captured:
            page.print(renderable, soft_wrap=whole)
        screen.lines(line.rstrip() for line in captured.get().splitlines())


def cell(text: str, style: str = "") -> Text:
    """Somebody else's text as a cell of a table."""
    return Text(safe(text), style=style)


def columns(*headings: str) -> Table:
    """A table without lines: two spaces between columns, muted headings, the last column wraps."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", show_header=any(headings))
    for index, heading in enumerate(headings):
        last = index == len(headings) - 1
        table.add_column(heading, no_wrap=not last, overflow="fold", ratio=None)
    return table
