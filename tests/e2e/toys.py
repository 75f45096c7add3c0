"""Toy platforms: a few lines of YAML and a tiny server, up in about a second."""

from __future__ import annotations

import random
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.platform import HARNESS, Platform

HEAD = """
platform: toy
edge: {{listen: "127.0.0.1:{door}"}}
observability: {{metrics: "off"}}
"""
WEB = """
services:
  web:
    path: app
    run: python3 -I server.py $PORT
    routes: [/]
    scale: {min: 1, initial: 2, max: 4}
    probes: {live: /health, period: 200ms}
    grace: 2s
"""
ONE = WEB.replace("scale: {min: 1, initial: 2, max: 4}", "scale: 1")
SPAN = 12


def ports(span: int = SPAN) -> int:
    """The first of `span` ports in a row that are free, below the range that outgoing connections take theirs from."""
    for base in random.sample(range(12000, 32000 - span, span), 500):
        if all(_free(port) for port in range(base, base + span)):
            return base
    raise AssertionError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Toys:
    """Makes toys below `root`; all are taken down at the end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: list[Platform] = []

    def __call__(self, services: str = WEB, head: str = HEAD) -> Platform:
        """A toy that is not up yet."""
        root = self.root / f"toy{len(self.made)}"
        (root / "app").mkdir(parents=True)
        shutil.copy(HARNESS / "toy_server.py", root / "app" / "server.py")
        door = ports()
        (root / "lokifi.yaml").write_text(head.format(door=door) + services)
        self.made.append(Platform(root, door))
        return self.made[-1]

    def up(self, services: str = WEB, head: str = HEAD) -> Platform:
        """A toy that is up."""
        toy = self(services, head)
        toy.run("up")
        return toy

    def end(self) -> None:
        """Take all down, and fail when something of one is left."""
        for toy in self.made:
            toy.end()


@contextmanager
def toys(root: Path) -> Iterator[Toys]:
    """A maker of toys."""
    made = Toys(root)
    try:
        yield made
    finally:
        made.end()
