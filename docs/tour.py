"""Replays `docs/tour.md`: every line that begins with `$` is run, and what it prints replaces what stood below it.

    python -m docs.tour FOLDER

FOLDER is a clone of this repository whose platform does not run and has no data; its `lokifi.yaml` is edited and put back.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).with_name("tour.md")
BLOCK = re.compile(r"(?<=```console\n).*?(?=^```)", re.DOTALL | re.MULTILINE)
PROMPT = "$ "
MARK = "\x1e"
COLUMNS = 100


def commands(text: str) -> Iterator[tuple[int, str]]:
    """Each command of the page with the number of its block; a command goes on in the next line after a backslash."""
    for number, block in enumerate(BLOCK.findall(text)):
        for found in re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE):
            yield number, found


def replay(text: str, folder: Path) -> str:
    """The page with the output of its commands, which one shell has run in `folder` in their order."""
    asked = list(commands(text))
    script = "\n".join(f"printf '\\x1e'\n{command}" for _, command in asked)
    env = {**os.environ, "PATH": f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}", "COLUMNS": str(COLUMNS), "NO_COLOR": "1"}
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed = done.stdout.decode().split(MARK)[1:]
    blocks: dict[int, list[str]] = {}
    for (number, command), output in zip(asked, printed, strict=True):
        lines = [line.rstrip() for line in output.rstrip().splitlines()]
        blocks.setdefault(number, []).append("\n".join([f"{PROMPT}{command}", *lines]))
    numbers = iter(range(len(blocks)))
    return BLOCK.sub(lambda _: "\n".join(blocks[next(numbers)]) + "\n", text)


def main() -> None:
    """Replay the page in place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a clone whose platform may be started, edited and stopped")
    folder = parser.parse_args().folder.resolve()
    PAGE.write_text(replay(PAGE.read_text("utf-8"), folder), "utf-8")
    sys.stdout.write("docs/tour.md is as the commands print\n")


if __name__ == "__main__":
    main()
