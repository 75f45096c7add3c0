"""The page to read first: what targets, runtimes and proofs are, and the types that pass between them.

Platform ──resolve──▶ Stack ──Target.render──▶ Artefacts
                        │
                        ├──Runtime.observe──▶ Observed ──diff──▶ Plan ──Runtime.apply──▶ Events
                        └──Runtime.running──▶ Running ──Proof.prove──▶ Verdicts
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from lokifi.model.load import Project
from lokifi.plan.layout import Layout
from lokifi.plan.observed import Observed
from lokifi.plan.stack import Address, Stack, Words
from lokifi.plan.steps import Plan, Step
from lokifi.plan.tool import Tool


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that a target rendered; its path is relative to the folder of rendered files.

    `text` holds references in the place of secrets. `checker` is the command that can judge it, `{}` for its path.
    """

    path: str
    text: Words
    mode: int = 0o644
    checker: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """What a target could not keep of the file: `path` in the file, and what became of it."""

    path: str
    fate: Literal["approximated", "refused"]
    sentence: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a target made of a stack, and what it could not express."""

    artefacts: tuple[Artefact, ...]
    losses: tuple[Loss, ...] = ()


class Target(Protocol):
    """A module that turns a stack into files; pure."""

    ABOUT: str

    def render(self, stack: Stack) -> Rendering:
        """The same stack gives the same bytes."""
        ...


EventKind = Literal["started", "progress", "done", "failed", "skipped", "part"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as every report shows it; `time` is Unix seconds."""

    time: float
    kind: EventKind
    subject: str
    text: str = ""
    step: str = ""
    seconds: float = 0.0


Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """How one part is doing. `since` and `started` are Unix seconds, 0 when it never ran."""

    name: str
    group: str
    state: Literal["starting", "ready", "unready", "restarting", "crashing", "stopping", "stopped"]
    pid: int = 0
    restarts: int = 0
    started: float = 0.0
    since: float = 0.0
    reason: str = ""
    ports: Mapping[str, Address] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a part; `time` is Unix seconds, `text` as the part wrote it, undecodable bytes replaced."""

    part: str
    time: float
    text: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who runs the command: the variables of the environment and the folder that caches may use."""

    variables: Mapping[str, str]
    cache: Path


Progress = Callable[[str, int, int], None]
"""Told what is being fetched, and how many bytes of how many; 0 when that is not known."""

Say = Callable[[str, str], None]
"""Told a subject and a line that it printed."""


class Running(Protocol):
    """A platform that runs, whatever runs it: the only thing a proof sees of it besides the stack."""

    def heal(self) -> bool:
        """Bring back what keeps the parts alive, when that has died; True when it had."""
        ...

    def status(self) -> list[PartStatus]:
        """Every part's state at this moment."""
        ...

    def logs(self, parts: Sequence[str], since: float | None, follow: bool) -> Iterator[LogLine]:
        """Kept lines in the order of their times, then, with `follow`, new ones as they come."""
        ...

    def events(self, since: float | None, follow: bool) -> Iterator[Event]:
        """The history, then, with `follow`, what happens."""
        ...

    def restart(self, part: str) -> None:
        """Stop and start one part; returns when it is ready."""
        ...

    def execute(self, part: str, argv: Sequence[str]) -> int:
        """Run a command on this terminal where the part runs; returns its exit code."""
        ...

    def shell(self, part: str) -> int:
        """A shell that fits the part: a store's own client, else a plain one."""
        ...


class Runtime(Protocol):
    """What runs one stack. `observe` and `fingerprints` only read; the rest needs `Site.changing`."""

    def observe(self) -> Observed:
        """What runs and what was made, as it is at this moment."""
        ...

    def fingerprints(self) -> Mapping[str, str]:
        """What each rendered file must look like where it is used."""
        ...

    def prepare(self) -> None:
        """Before a plan is made to be walked: what it rests on exists, the secrets above all."""
        ...

    def equip(self, plan: Plan, progress: Progress) -> None:
        """Before a plan is walked: nothing stands in its way (ports), and nothing is missing (programs)."""
        ...

    def apply(self, step: Step) -> str:
        """Do one step; returns a word on what was done. Raises `LokifiError` when it cannot."""
        ...

    def end(self, *, purge: bool) -> None:
        """Stop everything and leave nothing running; with `purge` the data goes too."""
        ...

    def running(self) -> Running:
        """The running platform."""
        ...


class Site(Protocol):
    """Where one environment of one project lives; making one reads, and changes nothing."""

    def copies(self, scale: Mapping[str, int]) -> Mapping[str, int]:
        """How many copies of each service are wanted: by `scale`, else as remembered, else as in the file."""
        ...

    def layout(self, copies: Mapping[str, int]) -> Layout:
        """The addresses and folders of the parts."""
        ...

    def runtime(self, stack: Stack, rendering: Rendering, say: Say) -> Runtime:
        """What runs this stack here."""
        ...

    def changing(self, command: str, waiting: Callable[[str], None]) -> AbstractContextManager[None]:
        """Hold the environment's lock, so that one command at a time changes it; `waiting` is told who else does."""
        ...

    def remember(self, copies: Mapping[str, int]) -> None:
        """Keep the copies that were asked for, and the addresses they got."""
        ...

    def record(self, event: Event) -> None:
        """Add to the history."""
        ...

    def tools(self, stack: Stack) -> list[Tool]:
        """The programs that the stack needs, found or missing."""
        ...

    def setup(self, stack: Stack, progress: Progress) -> list[str]:
        """Fetch what is missing; returns the names."""
        ...


class Engine(Protocol):
    """A module that can run platforms: local, and later compose, swarm, kubernetes."""

    ABOUT: str
    NEEDS: tuple[str, ...]

    def open_site(self, project: Project, caller: Caller) -> Site:
        """The site of a project's environment. `NEEDS` are the targets whose files it runs by."""
        ...


__all__ = [
    "Artefact",
    "Caller",
    "Engine",
    "Event",
    "EventKind",
    "Listener",
    "LogLine",
    "Loss",
    "PartStatus",
    "Plan",
    "Progress",
    "Rendering",
    "Running",
    "Runtime",
    "Say",
    "Site",
    "Step",
    "Target",
    "Tool",
]
