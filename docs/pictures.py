"""Draws the terminal pictures of the documentation from the real thing: a platform is brought up, edited, hurt and stopped.

    python -m docs.pictures FOLDER

FOLDER is a clone of this repository whose platform does not run; its `lokifi.yaml` is edited and put back. What the
commands print becomes `docs/pictures/terminal-*.svg`. The pictures of the page are those that
`tests/e2e/test_browser.py` takes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURES = Path(__file__).resolve().parent / "pictures"
COLUMNS = 104
# rich's own frame loads a font from another host; a picture in a README must not.
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
MISTAKES = """\
platform: shop
services:
  backend:
    path: apps/backend
    run: uvicorn app:app --port $PORT | tee log
    routes: [api]
    probes: {raedy: /api/ready}
stores:
  postgres: {memory: 256MB}
"""


@dataclass(frozen=True)
class Stage:
    """Where the scenes are played, and what was written there so far."""

    folder: Path
    environment: Mapping[str, str]

    def play(self, name: str, *lines: str) -> None:
        """Run `lines` as a person would type them, and draw what they print as `terminal-NAME.svg`."""
        console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
        for line in lines:
            console.print(Text.assemble(("$ ", "bright_black"), (line, "bold")))
            output = self.run(line).rstrip()
            for printed in Text.from_ansi(output).split() if output else ():
                # Cut where a terminal would, which knows no words.
                for piece in printed.divide(range(COLUMNS, len(printed), COLUMNS)):
                    console.print(piece, no_wrap=True)
            if line.startswith("kill "):
                self.settle()
        console.print()  # the frame cuts the descenders of the last line
        (PICTURES / f"terminal-{name}.svg").write_text(
            console.export_svg(title="lokifi", code_format=FRAME, unique_id=f"lokifi-{name}"), "utf-8"
        )
        sys.stdout.write(f"terminal-{name}.svg\n")

    def run(self, line: str) -> str:
        """What `line` prints on both streams."""
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
        )
        return done.stdout.decode()

    def pid(self, part: str) -> int:
        """The process of a part."""
        parts = json.loads(self.run("lokifi status --json"))["parts"]
        return int(next(each["pid"] for each in parts if each["name"] == part))

    def settle(self) -> None:
        """Wait until every part is ready."""
        deadline = time.monotonic() + 60
        while not json.loads(self.run("lokifi status --json"))["ready"]:
            if time.monotonic() > deadline:
                raise TimeoutError("not every part got ready")

    def edit(self, change: Callable[[str], str]) -> None:
        """Change the platform file."""
        file = self.folder / "lokifi.yaml"
        file.write_text(change(file.read_text("utf-8")), "utf-8")


def terminals(stage: Stage) -> None:
    """Every picture between `up` and `down`."""
    stage.play("status", "lokifi status")
    stage.play("heal", f"kill -9 {stage.pid('backend-2')}", "lokifi status", "lokifi events --since 5m | tail -n 3")
    stage.edit(lambda text: text.replace("memory: 64Mi", "memory: 128Mi").replace("metrics: 15d", "metrics: 30d"))
    stage.play("plan", "lokifi plan")
    stage.play("explain", "lokifi explain services.backend")
    stage.edit(lambda text: text.replace("memory: 128Mi", "memory: 64Mi").replace("metrics: 30d", "metrics: 15d"))
    stage.play("scale", "lokifi scale backend=5")
    stage.run("lokifi scale backend=3")
    for _ in range(3):
        with urllib.request.urlopen("http://127.0.0.1:8080/api/markets", timeout=10) as answer:
            answer.read()
    stage.play("logs", "lokifi logs backend --since 15s --grep /api/markets")
    mistaken = stage.folder / "mistakes.yaml"
    mistaken.write_text(MISTAKES, "utf-8")
    stage.play("check", "lokifi check --file mistakes.yaml")
    mistaken.unlink()


def main() -> None:
    """Draw all terminal pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a clone whose platform may be started, edited and stopped")
    folder = parser.parse_args().folder.resolve()
    PICTURES.mkdir(exist_ok=True)
    path = f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}"
    stage = Stage(folder, {**os.environ, "PATH": path, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)})
    try:
        stage.play("up", "lokifi up")
        terminals(stage)
    finally:
        stage.play("down", "lokifi down")


if __name__ == "__main__":
    main()
