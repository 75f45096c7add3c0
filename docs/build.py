"""Makes the pages that are not written by hand: `docs/file.md` from the model, `docs/commands.md` from the commands.

python -m docs.build            write them
python -m docs.build --check    exit with 1 when one is out of date
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from docs import reference
from lokifi.cli.commands import COMMANDS, SECTIONS, overview

FOLDER = Path(__file__).resolve().parent
WIDTH = 100


def pages() -> dict[Path, str]:
    """Each made page with the text it should have."""
    return {FOLDER / "file.md": reference.page(), FOLDER / "commands.md": commands_page()}


def stale() -> list[str]:
    """The made pages that differ from what they should be."""
    return [path.name for path, text in pages().items() if not path.is_file() or path.read_text("utf-8") != text]


def command(name: str) -> click.Command:
    """A command of the command line."""
    found = importlib.import_module(COMMANDS[name][0]).command
    if not isinstance(found, click.Command):
        raise TypeError(f"{name} is no command")
    return found


def help_of(name: str) -> str:
    """What `lokifi NAME --help` prints on a terminal of 100 columns."""
    asked = command(name)
    settings = {**asked.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(asked, info_name=f"lokifi {name}", **settings)
    return "\n".join(line.rstrip() for line in asked.get_help(context).splitlines())


def commands_page() -> str:
    """Every command with its help."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "<!-- made by 'make docs' from the commands; do not edit -->"
    yield "# Commands\n"
    yield "Every command exits with one of the codes in [errors.md](errors.md). With `--json` an error is JSON too.\n"
    yield f"```text\n{overview().rstrip()}\n```\n"
    for title, commands in SECTIONS.items():
        yield f"## {title}\n"
        for name, (_, summary) in commands.items():
            yield f"### {name}\n\n{summary}.\n\n```text\n{help_of(name)}\n```\n"


def main() -> int:
    """Write the pages, or say which are out of date."""
    if "--check" in sys.argv[1:]:
        late = stale()
        if late:
            sys.stderr.write(f"out of date: {', '.join(late)} — run 'make docs'\n")
        return 1 if late else 0
    for path, text in pages().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
