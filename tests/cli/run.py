"""The real command line as a process, on real files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "lokifi"]
HOME = Path(__file__).resolve().parent.parent.parent
FILE = """\
platform: shop
services:
  web: {path: app, run: "python -m http.server $PORT", routes: [/]}
stores:
  postgres: {}
environments:
  development:
  production: {domain: shop.example}
"""


def environment(**more: str) -> dict[str, str]:
    """The variables of the process: a UTF-8 locale, nothing that asks for colour or forbids it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "TERM": "xterm-256color", "PYTHONPATH": str(HOME), **more}


def lokifi(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def begin(*arguments: str, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """Start it and go on."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
