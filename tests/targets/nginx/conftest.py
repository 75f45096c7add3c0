"""A real nginx with the rendered configuration before three copies of a service and two built front ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from lokifi.kit.proc import Identity
from lokifi.plan.stack import Stack
from lokifi.runtimes.local import leaving
from lokifi.targets import nginx
from tests.engines import Started, eventually, listening, place, running, stack_of
from tests.targets.nginx.upstream import Message, Upstream, exchange, request

HOST = "shop.test"
FILE = """\
platform: shop
domain: shop.test
services:
  api: {path: api, run: serve $PORT, routes: [/api, /ws/], scale: 3}
  site: {path: site, static: dist, routes: [/]}
  admin: {path: admin, static: dist, routes: [/admin]}
edge: {body_limit: 64Ki, timeout: 700ms, drain: 5s}
observability: {metrics: "off"}
"""
SCRIPT = "export const answer = 42;\n" * 200


@dataclass
class Edge:
    """The running nginx."""

    stack: Stack
    started: Started
    root: Path

    @property
    def port(self) -> int:
        return self.stack.parts["edge"].ports["http"].port

    @property
    def private(self) -> int:
        return self.stack.parts["edge"].ports["status"].port

    async def ask(self, target: str, method: str = "GET", host: str = HOST, body: bytes = b"", **headers: str) -> Message:
        return await exchange(self.port, request(method, target, host, body, **headers))

    @asynccontextmanager
    async def copies(self) -> AsyncIterator[list[Upstream]]:
        """The three copies of the service, listening."""
        found = [Upstream(part.ports["http"].port, part.name) for part in self.stack.group("api")]
        for copy in found:
            await copy.start()
        try:
            yield found
        finally:
            for copy in found:
                copy.release.set()
                await copy.stop()

    def log(self, count: int) -> list[dict[str, object]]:
        """The access log as soon as it has `count` lines."""

        def lines() -> list[str]:
            return [line for line in self.started.text.splitlines() if line.startswith("{")]

        eventually(lambda: len(lines()) >= count, what="the log has too few lines")
        return [json.loads(line) for line in lines()]

    def workers(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.started.pid).children()}

    def reload(self) -> set[int]:
        """Reload at once; returns the workers that serve from here on."""
        before = self.workers()
        os.kill(self.started.pid, signal.SIGHUP)
        eventually(lambda: len(self.workers() - before) >= 2, what="no new workers")
        return self.workers() - before

    def replace(self) -> set[int]:
        """Reload as the runtime does: the old workers are asked to leave first."""
        leaving.ask(self.stack.parts["edge"], [Identity(pid, 0, "") for pid in self.workers()])
        return self.reload()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    stack = stack_of(FILE, tmp_path)
    for name, folder in stack.statics.items():
        assets = Path(folder) / "assets" / "fonts"
        assets.mkdir(parents=True)
        (Path(folder) / "index.html").write_text(f"<title>{name}</title>" + "<p>text</p>" * 200)
        (Path(folder) / ".env").write_text("SECRET=1")
        (Path(folder) / "favicon.ico").write_bytes(b"icon")
        (Path(folder) / "assets" / "index-DiwrgTda.js").write_text(SCRIPT)
        (Path(folder) / "assets" / "plain.js").write_text(SCRIPT)
        (assets / "inter-B2_x-9aZ.woff2").write_bytes(b"wOF2" * 1000)
    place(nginx, stack, tmp_path)
    part = stack.parts["edge"]
    with running(part, tmp_path) as started:
        eventually(lambda: listening(part.ports["status"]), what=started.text)
        yield Edge(stack, started, tmp_path)
