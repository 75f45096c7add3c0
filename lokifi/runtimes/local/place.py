"""The place on this machine where one environment lives: its folder, memory, account, programs, supervisor."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from lokifi.contracts import Caller, Progress
from lokifi.kit.files import ensure_dir
from lokifi.model.load import Project
from lokifi.runtimes.local.folder import SHARED, Folder
from lokifi.runtimes.local.identity import Identity, choose, reachable
from lokifi.runtimes.local.installs import Installer
from lokifi.runtimes.local.programs import Need
from lokifi.runtimes.local.secrets import Vault
from lokifi.runtimes.local.state import Memory
from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.tools import Tools

SYSTEM_CACHE = Path("/var/cache/lokifi")


class Place:
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

    def fetch(self, missing: list[Need], progress: Progress) -> list[str]:
        """Fetch `missing` into the cache. Raises `ToolMissing` with the way out."""
        if missing:
            ensure_dir(self.cache, SHARED)
            self.tools.fetch(missing, progress)
        return [need.name for need in missing]
