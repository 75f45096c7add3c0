"""The embedded runtime's door: one environment of one project on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lokifi.contracts import Caller, Event, Progress, Rendering, Say, Tool
from lokifi.model.load import Project
from lokifi.plan.layout import LocalLayout, allocate
from lokifi.plan.resolve import copies_of, ports_of
from lokifi.plan.stack import Address, Stack
from lokifi.runtimes.local import history, lock
from lokifi.runtimes.local.place import Place
from lokifi.runtimes.local.runtime import LocalRuntime

ABOUT = "plain processes on this machine, no containers"
NEEDS: tuple[str, ...] = ("nginx", "postgres", "redis", "prometheus")


def open_site(project: Project, caller: Caller) -> LocalSite:
    """The site of a project's environment. Raises `Refused` for a folder that is a link or a stranger's."""
    return LocalSite(Place(project, caller))


@dataclass(frozen=True)
class LocalSite:
    """What `contracts.Site` promises, at a place on this machine."""

    place: Place

    def copies(self, scale: Mapping[str, int]) -> dict[str, int]:
        """How many copies of each service are wanted: by `scale` now, else as remembered, else as in the file."""
        return copies_of(self.place.project.platform, {**self.place.memory.read().scale, **scale})

    def layout(self, copies: Mapping[str, int]) -> LocalLayout:
        """The addresses and folders; ports that were dealt before stay."""
        platform = self.place.project.platform
        host, _, port = platform.edge.listen.rpartition(":")
        door = Address(host.strip("[]"), int(port))
        dealt = allocate(ports_of(platform, copies), door.port, self.place.memory.read().ports)
        return LocalLayout(str(self.place.project.root), self.place.project.environment, dealt, door, self.place.identity.name)

    def runtime(self, stack: Stack, rendering: Rendering, say: Say) -> LocalRuntime:
        """What runs this stack here."""
        return LocalRuntime(self.place, stack, rendering, say)

    @contextmanager
    def changing(self, command: str, waiting: Callable[[str], None]) -> Iterator[None]:
        """Prepare the folder and hold the environment's lock; `waiting` is told who holds it."""
        self.place.folder.prepare()
        with lock.hold(self.place.folder.run, command, waiting):
            yield

    def remember(self, copies: Mapping[str, int]) -> None:
        """Keep the ports that were dealt, and the copies where they differ from the file. Needs the lock."""
        state = self.place.memory.read()
        services = self.place.project.platform.services
        scale = {name: count for name, count in copies.items() if count != services[name].scale.initial}
        changed = replace(state, ports=dict(self.layout(copies).ports), scale=scale)
        if changed != state:
            self.place.memory.write(changed)

    def record(self, event: Event) -> None:
        """Add to the history; a full disk loses the entry, never the command."""
        history.record(self.place.folder.path, event)

    def tools(self, stack: Stack) -> list[Tool]:
        """The programs that the stack needs, found or missing."""
        return self.place.tools.summary(stack)

    def setup(self, stack: Stack, progress: Progress) -> list[str]:
        """Fetch every program of the stack that is missing; returns their names."""
        return self.place.fetch(self.place.tools.missing(self.place.tools.all_needs(stack)), progress)
