"""The programs of one stack: which are needed, where they are, and what must be in their environment."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lokifi.contracts import Tool
from lokifi.kit.errors import ToolMissing
from lokifi.kit.process import Account
from lokifi.plan.stack import Job, Part, Stack
from lokifi.runtimes.local.identity import Identity, reachable
from lokifi.runtimes.local.programs import Need, Program, Unfit, fetch, find, search_path, summary

# Programs that come with another one, in the same folder.
SIBLINGS = {
    "initdb": "postgres",
    "psql": "postgres",
    "redis-cli": "redis-server",
    "npm": "node",
    "npx": "node",
    "promtool": "prometheus",
}
FEATURES = {"nginx": ("stub_status",)}
PYTHON = (3, 11)
AT_ONCE = 8


@dataclass
class Tools:
    """Finds each program once; `prefix` is where fetched ones are."""

    prefix: Path
    search: Sequence[Path]
    identity: Identity
    caller: Mapping[str, str]
    _found: dict[str, Program] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, prefix: Path, caller: Mapping[str, str], identity: Identity) -> Tools:
        return cls(prefix, search_path(caller.get("PATH", "")), identity, caller)

    def needs(self, parts: Iterable[Part], jobs: Iterable[Job]) -> list[Need]:
        """The programs of these parts and jobs, each once, with the oldest version that will do."""
        wanted: dict[str, tuple[int, ...]] = {}
        for part in parts:
            if part.kind != "service":
                wanted[part.argv[0]] = max(part.minimum, wanted.get(part.argv[0], ()))
        for job in jobs:
            for command in job.commands if job.toolchain == "none" else ():
                name = SIBLINGS.get(command.argv[0], command.argv[0])
                if name in ("postgres", "redis-server", "nginx", "prometheus"):
                    wanted[name] = max(job.minimum, wanted.get(name, ()))
            if job.kind == "install":
                wanted["node" if job.toolchain == "node" else "python"] = job.minimum
        return [Need(name, minimum, features=FEATURES.get(name, ())) for name, minimum in wanted.items()]

    def all_needs(self, stack: Stack) -> list[Need]:
        """Everything this stack ever runs."""
        return self.needs(stack.parts.values(), stack.jobs.values())

    def missing(self, needs: Iterable[Need]) -> list[Need]:
        """Those of `needs` that no fitting program was found for."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(lambda need: (need, self._find(need)), needs)
            return [need for need, found in answers if isinstance(found, Unfit)]

    def fetch(self, needs: Sequence[Need], progress: Callable[[str, int, int], None]) -> None:
        """Put what is missing into the prefix. Raises `ToolMissing` when there is no way."""
        for program in fetch(needs, self.prefix, progress, self.caller):
            self._found[program.name] = program

    def summary(self, stack: Stack) -> list[Tool]:
        """A row for each program, found or missing, for `lokifi doctor`."""
        return summary(self.all_needs(stack), self.prefix, self._places("python"))

    def program(self, name: str, minimum: tuple[int, ...] = ()) -> Program:
        """The program, found once. Raises `ToolMissing` with what was seen instead."""
        found = self._find(Need(name, minimum, features=FEATURES.get(name, ())))
        if isinstance(found, Unfit):
            raise ToolMissing(f"{name}: {found.reason}", hint="'lokifi setup' fetches what is missing")
        return found

    def path(self, name: str, minimum: tuple[int, ...] = ()) -> tuple[Path, Mapping[str, str]]:
        """The binary for `name`, which may come with another program, and the variables it needs to start."""
        owner = SIBLINGS.get(name, name)
        program = self.program(owner, minimum)
        return (program.path if owner == name else program.sibling(name)), program.environment

    def _find(self, need: Need) -> Program | Unfit:
        with self._guard:
            known = self._found.get(need.name)
        if known is not None:
            return known
        found = find(need, self.prefix, self._places(need.name))
        if isinstance(found, Program):
            with self._guard:
                self._found[need.name] = found
        return found

    def _places(self, name: str) -> list[Path]:
        """Where to look: this interpreter's own folder first for python, and only what the parts' account can reach."""
        places = [Path(sys.executable).parent, *self.search] if name == "python" else list(self.search)
        account = self.identity.account
        if account is None:
            return places
        return [place for place in places if place.is_dir() and _open_to(place, account, name)]


def _open_to(place: Path, account: Account, name: str) -> bool:
    binary = place / ("python3" if name == "python" else name)
    return reachable(binary if binary.exists() else place, account)
