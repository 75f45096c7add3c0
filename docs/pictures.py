"""Draws the pictures of the documentation from the real thing: a platform is brought up, edited, hurt and stopped.

    python -m docs.pictures FOLDER

FOLDER is a clone of this repository whose platform does not run; its `lokifi.yaml` is edited and put back. What the
commands print becomes `docs/pictures/terminal-*.svg`, the page becomes `page-dark.png`, `page-light.png`, `phone.png`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
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
            for printed in Text.from_ansi(self.run(line)).split(allow_blank=True):
                # Cut where a terminal would, which knows no words.
                for piece in printed.divide(range(COLUMNS, len(printed), COLUMNS)):
                    console.print(piece, no_wrap=True)
        (PICTURES / f"terminal-{name}.svg").write_text(
            console.export_svg(title="lokifi", code_format=FRAME, unique_id=f"lokifi-{name}"), "utf-8"
        )
        sys.stdout.write(f"terminal-{name}.svg\n")

    def run(self, line: str) -> str:
        """What `line` prints on both streams."""
        words = shlex.split(line)
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600
        )
        return done.stdout.decode()

    def pid(self, part: str) -> int:
        """The process of a part."""
        parts = json.loads(self.run("lokifi status --json"))["parts"]
        return int(next(each["pid"] for each in parts if each["name"] == part))

    def edit(self, change: Callable[[str], str]) -> None:
        """Change the platform file."""
        file = self.folder / "lokifi.yaml"
        file.write_text(change(file.read_text("utf-8")), "utf-8")


def terminals(stage: Stage) -> None:
    """Every terminal picture but the first."""
    stage.play("status", "lokifi status")
    stage.play("heal", f"kill -9 {stage.pid('backend-2')}", "lokifi status", "lokifi events --since 5s")
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


def page(browser: Browser, name: str, url: str, width: int, height: int, *, dark: bool) -> None:
    """The page with a moving chart and two markets in the watchlist."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        device_scale_factor=2 if width < 500 else 1,
    )
    view = context.new_page()
    view.goto(url)
    view.wait_for_selector("[data-testid=chart][data-phase=ready]")
    view.wait_for_selector("[data-testid=connection][data-state=live]")
    for number, symbol in enumerate(("ETH-USD", "SOL-USD"), 1):
        view.locator(f'[data-testid=star][data-symbol="{symbol}"]').click()
        view.wait_for_function("n => document.querySelectorAll('[data-testid=watchlist-item]').length >= n", arg=number)
    before = view.locator("[data-testid=chart-price]").inner_text()
    view.wait_for_function("old => document.querySelector('[data-testid=chart-price]').innerText !== old", arg=before)
    view.mouse.move(0, 0)
    view.evaluate("window.scrollTo(0, 0)")
    view.screenshot(path=PICTURES / f"{name}.png")
    context.close()
    sys.stdout.write(f"{name}.png\n")


def pages(url: str) -> None:
    """The pictures of the reference application's page."""
    with sync_playwright() as playwright:
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        page(browser, "page-dark", url, 1280, 800, dark=True)
        page(browser, "page-light", url, 1280, 800, dark=False)
        page(browser, "phone", url, 390, 844, dark=True)
        browser.close()


def main() -> None:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a clone whose platform may be started, edited and stopped")
    folder = parser.parse_args().folder.resolve()
    PICTURES.mkdir(exist_ok=True)
    path = f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}"
    stage = Stage(folder, {**os.environ, "PATH": path, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)})
    try:
        stage.play("up", "lokifi up")
        pages("http://127.0.0.1:8080/")
        terminals(stage)
    finally:
        stage.play("down", "lokifi down")


if __name__ == "__main__":
    main()
