"""A plan: steps with their causes and their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepKind = Literal["write", "build", "run", "start", "wait", "reload", "stop", "remove"]


@dataclass(frozen=True, slots=True)
class Step:
    """One change: `subject` is an artefact, a job or a part; `needs` are the ids of steps that come first."""

    kind: StepKind
    subject: str
    cause: str
    needs: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return f"{self.kind} {self.subject}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps from one observation; none of them means that the desired state is reached."""

    steps: tuple[Step, ...]

    def __bool__(self) -> bool:
        return bool(self.steps)
