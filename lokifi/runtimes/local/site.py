"""The place on this machine where one environment lives: its folder, memory, ports, account and programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from lokifi.kit.files import ensure_dir
from lokifi.model.load import Project
from lokifi.plan.layout import LocalLayout, allocate
from lokifi.plan.resolve import copies_of, ports_of
from lokifi.plan.stack import Address, Stack
from lokifi.runtimes.local import lock
from lokifi.runtimes.local.folder import SHARED, Folder
from lokifi.runtimes.local.identity import Identity, choose, reachable
from lokifi.runtimes.local.installs import Installer
from lokifi.runtimes.local.programs import Need
from lokifi.runtimes.local.secrets import Vault
from lokifi.runtimes.local.state import Memory
from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.tools import Tools

SYSTEM_CACHE = Path("/var/cache/lokifi")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Caller:
    """Who runs the command: the variables of the environment and the folder that caches may use."""

    variables: Mapping[str, str]
    cache: Path


class Site:
    """Constructing it reads, and changes nothing. Raises `Refused` for a folder that is a link or a stranger's."""

    def __init__(self, project: Project, caller: Caller) -> None:
        self.project = project
        self.caller = caller
        self.folder = Folder.of(project.root, project.environment)
        self.folder.check()
        self.memory = Memory(self.folder.run)
        self.supervisor = Supervisor(self.folder.path)
        self.vault = Vault(self.folder.secrets, project.given)

    @cached_property
    def identity(self) -> Identity:
        """Who the parts run as."""
        return choose(self.project.root)

    @cached_property
    def cache(self) -> Path:
        """The caller's cache, or the system's when the parts run as an account that cannot reach the caller's."""
        account, asked = self.identity.account, self.caller.cache
        if account is None:
            return asked
        nearest = next(path for path in (asked, *asked.parents) if path.exists())
        return asked if reachable(nearest, account) else SYSTEM_CACHE

    @cached_property
    def tools(self) -> Tools:
        """The programs."""
        return Tools.of(self.cache / "programs", self.caller.variables, self.identity)

    @cached_property
    def installer(self) -> Installer:
        """What installs and builds services."""
        return Installer(self.project.root, self.folder, self.tools, self.caller.variables)

    def copies(self, scale: Mapping[str, int]) -> dict[str, int]:
        """How many copies of each service are wanted: by `scale` now, else as remembered, else as in the file."""
        return copies_of(self.project.platform, {**self.memory.read().scale, **scale})

    def layout(self, copies: Mapping[str, int]) -> LocalLayout:
        """The addresses and folders; ports that were dealt before stay."""
        platform = self.project.platform
        host, _, port = platform.edge.listen.rpartition(":")
        door = Address(host.strip("[]"), int(port))
        dealt = allocate(ports_of(platform, copies), door.port, self.memory.read().ports)
        return LocalLayout(str(self.project.root), self.project.environment, dealt, door, self.identity.name)

    @contextmanager
    def changing(self, command: str, waiting: Callable[[str], None]) -> Iterator[None]:
        """Prepare the folder and hold the environment's lock; `waiting` is told who holds it."""
        self.folder.prepare()
        with lock.hold(self.folder.run, command, waiting):
            yield

    def remember(self, copies: Mapping[str, int], layout: LocalLayout) -> None:
        """Keep the ports that were dealt, and the copies where they differ from the file. Needs the lock."""
        state = self.memory.read()
        services = self.project.platform.services
        scale = {name: count for name, count in copies.items() if count != services[name].scale.initial}
        changed = replace(state, ports=dict(layout.ports), scale=scale)
        if changed != state:
            self.memory.write(changed)

    def setup(self, stack: Stack, progress: Progress) -> list[str]:
        """Fetch every program of the stack that is missing; returns their names."""
        return self.fetch(self.tools.missing(self.tools.all_needs(stack)), progress)

    def fetch(self, missing: list[Need], progress: Progress) -> list[str]:
        """Fetch `missing` into the cache. Raises `ToolMissing` with the way out."""
        if missing:
            ensure_dir(self.cache, SHARED)
            self.tools.fetch(missing, progress)
        return [need.name for need in missing]
