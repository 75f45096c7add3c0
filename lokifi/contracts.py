"""The page to read first: what targets, runtimes and proofs are, and the types that pass between them.

Platform ──resolve──▶ Stack ──Target.render──▶ Artefacts
                        │
                        ├──Runtime.observe──▶ Observed ──diff──▶ Plan ──Runtime.apply──▶ Events
                        └──Runtime.running──▶ Running ──Proof.prove──▶ Verdicts
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lokifi.plan.observed import Observed
from lokifi.plan.stack import Address, Stack, Words
from lokifi.plan.steps import Plan, Step


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


class Running(Protocol):
    """A platform that runs, whatever runs it: the only thing a proof sees of it besides the stack."""

    def status(self) -> list[PartStatus]:
        """Every part's state at this moment."""
        ...

    def logs(self, parts: Sequence[str], since: float | None, follow: bool) -> Iterator[LogLine]:
        """Kept lines in the order of their times, then, with `follow`, new ones as they come."""
        ...

    def restart(self, part: str) -> None:
        """Stop and start one part; returns when it is ready."""
        ...


class Runtime(Protocol):
    """What runs a stack: local, and later compose, swarm, kubernetes."""

    ABOUT: str
    NEEDS: tuple[str, ...]

    def observe(self, stack: Stack) -> Observed:
        """What runs and what was made, as it is now; reads only."""
        ...

    def apply(self, step: Step) -> str:
        """Do one step; returns a word on what was done. Raises `LokifiError` when it cannot."""
        ...

    def running(self) -> Running:
        """The running platform."""
        ...


__all__ = [
    "Artefact",
    "Event",
    "EventKind",
    "Listener",
    "LogLine",
    "Loss",
    "PartStatus",
    "Plan",
    "Rendering",
    "Running",
    "Runtime",
    "Step",
    "Target",
]
