"""The whole product on one page: load → resolve → render → observe → diff → walk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lokifi.contracts import (
    Caller,
    Engine,
    Event,
    EventKind,
    Listener,
    PartStatus,
    Progress,
    Rendering,
    Running,
    Runtime,
    Site,
)
from lokifi.kit.errors import RuntimeFailed
from lokifi.model.load import Project, load
from lokifi.plan.diff import diff
from lokifi.plan.resolve import check_scale, known, resolve
from lokifi.plan.stack import Stack
from lokifi.plan.steps import Plan, Step
from lokifi.plan.walk import Outcome, walk
from lokifi.runtimes.local import site as local
from lokifi.targets.registry import TARGETS, render

__all__ = ["TARGETS", "Session", "down", "known", "render", "restart", "session", "up"]
RUNTIMES: dict[str, Engine] = {"local": local}


@dataclass(frozen=True)
class Session:
    """One environment as the file wants it and as it is; made by reading only."""

    project: Project
    site: Site
    copies: Mapping[str, int]
    stack: Stack
    rendering: Rendering
    runtime: Runtime
    plan: Plan

    @property
    def running(self) -> Running:
        """The running platform; what keeps the parts alive is brought back first, should it have died."""
        running = self.runtime.running()
        running.heal()
        return running


def session(
    file: Path,
    environment: str | None,
    caller: Caller,
    *,
    scale: Mapping[str, int] | None = None,
    listen: Listener = lambda event: None,
) -> Session:
    """Load the file, resolve it, observe what is, and plan; nothing is written or started."""
    project = load(file, environment, caller.variables)
    check_scale(project.platform, scale or {})
    engine = RUNTIMES[project.platform.on]
    site = engine.open_site(project, caller)
    copies = site.copies(scale or {})
    stack = resolve(project, site.layout(copies), copies)
    rendering = render(stack, engine.NEEDS)
    runtime = site.runtime(stack, rendering, lambda subject, text: listen(_event("progress", subject, text)))
    plan = diff(stack, runtime.fingerprints(), runtime.observe())
    return Session(project, site, copies, stack, rendering, runtime, plan)


def up(asked: Session, listen: Listener, progress: Progress) -> list[PartStatus]:
    """Reach the desired state. Raises `RuntimeFailed` naming each part that did not make it, with its last lines."""
    with _changing(asked, "up", listen) as tell:
        asked.runtime.prepare()
        plan = diff(asked.stack, asked.runtime.fingerprints(), asked.runtime.observe())
        asked.runtime.equip(plan, progress)
        asked.site.remember(asked.copies)
        _walked(walk(plan, asked.runtime.apply, _beginner(tell), _teller(tell)))
    return asked.running.status()


def down(asked: Session, listen: Listener, *, purge: bool = False) -> None:
    """Stop everything, grandchildren included; with `purge` the environment's data goes too."""
    with _changing(asked, "down", listen) as tell:
        environment = asked.project.environment
        tell(_event("started", environment, "stop everything", "stop"))
        asked.runtime.end(purge=purge)
        tell(_event("done", environment, "stopped", "stop"))


def restart(asked: Session, names: Sequence[str], listen: Listener) -> list[PartStatus]:
    """Restart parts, or all copies of a service, one after the other; each is ready before the next."""
    parts = known(asked.stack, names)
    with _changing(asked, "restart", listen) as tell:
        running = asked.running
        for name in parts:
            begun = time.monotonic()
            tell(_event("started", name, "restart", "restart"))
            running.restart(name)
            tell(_event("done", name, "ready", "restart", time.monotonic() - begun))
    return asked.running.status()


@contextmanager
def _changing(asked: Session, command: str, listen: Listener) -> Iterator[Listener]:
    """Hold the lock; what is told is heard and kept."""

    def tell(event: Event) -> None:
        asked.site.record(event)
        listen(event)

    with asked.site.changing(command, lambda holder: listen(_event("progress", command, f"waiting for {holder}"))):
        yield tell


def _event(kind: EventKind, subject: str, text: str, step: str = "", seconds: float = 0.0) -> Event:
    return Event(time.time(), kind, subject, text, step, seconds)


def _beginner(tell: Listener) -> Callable[[Step], None]:
    return lambda step: tell(_event("started", step.subject, step.cause, step.kind))


def _teller(tell: Listener) -> Callable[[Outcome], None]:
    def ended(outcome: Outcome) -> None:
        kind: EventKind = "skipped" if outcome.skipped else "failed" if outcome.failure else "done"
        text = str(outcome.failure) if outcome.failure else outcome.note
        tell(_event(kind, outcome.step.subject, text, outcome.step.kind, outcome.seconds))

    return ended


def _walked(outcomes: list[Outcome]) -> None:
    failures = [(outcome.step, outcome.failure) for outcome in outcomes if outcome.failure]
    if failures:
        sentences = "\n".join(_about(step.subject, failure.sentence) for step, failure in failures)
        raise RuntimeFailed(sentences, hint=failures[0][1].hint or "'lokifi logs PART' shows more")


def _about(subject: str, sentence: str) -> str:
    return sentence if sentence.startswith(subject) else f"{subject}: {sentence}"
