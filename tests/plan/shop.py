"""A small platform for the tests of the plan, and a pure model of a world in which a plan is applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lokifi.model.load import load
from lokifi.plan.diff import config_digest, job_stamp, part_digest
from lokifi.plan.layout import LocalLayout, allocate
from lokifi.plan.observed import Observed, ObservedPart
from lokifi.plan.resolve import copies_of, ports_of, resolve
from lokifi.plan.stack import Address, Stack
from lokifi.plan.steps import Step

TEXT = """
platform: my-shop
domain: shop.localhost
services:
  api:
    path: api
    run: serve --bind $HOST:$PORT --price '$$1'
    routes: [/api]
    probes: {ready: /ready, live: /live, period: 500ms, failures: 5}
    metrics: /metrics
    release: python -m migrate
    scale: {min: 2, initial: 2, max: 4}
    env: {DATABASE_URL: "${postgres.url}", CACHE: "${redis.url}", ABOUT: "${platform.name}/${platform.environment} $$"}
    secrets: [KEY]
    grace: 20s
  worker:
    path: api
    run: python -m work
    env: {API: "${api.url}"}
    after: [redis]
  web:
    path: web
    build: npm run build
    static: dist
    routes: [/]
stores: {postgres: {version: 16}, redis: {}}
secrets: {KEY: generated}
"""


def stack_of(
    root: Path, text: str = TEXT, scale: Mapping[str, int] | None = None, previous: Mapping[str, int] | None = None
) -> Stack:
    """The stack of `text` in a project made at `root`."""
    for folder, manifest in (("api", "requirements.txt"), ("web", "package-lock.json")):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / manifest).touch()
    (root / "lokifi.yaml").write_text(text)
    project = load(root / "lokifi.yaml")
    copies = copies_of(project.platform, scale or {})
    ports = allocate(ports_of(project.platform, copies), 8080, previous or {})
    return resolve(project, LocalLayout("/srv", project.environment, ports, Address("127.0.0.1", 8080), "me"), copies)


def fingerprints(stack: Stack, version: str = "1") -> dict[str, str]:
    """What the targets would make of the artefacts that the parts read."""
    return {path: version for part in stack.parts.values() for path in part.configs}


@dataclass
class World:
    """What a runtime would see, changed by steps as a runtime changes it."""

    parts: dict[str, ObservedPart] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def reached(cls, stack: Stack, files: Mapping[str, str]) -> World:
        """The world in which `stack` runs as it should."""
        world = cls(inputs=dict.fromkeys(stack.jobs, "sources"), files=dict(files))
        world.done = {job.name: job_stamp(job, "sources") for job in stack.jobs.values()}
        for part in stack.parts.values():
            world.start(stack, part.name, files, "ready")
        return world

    def start(self, stack: Stack, name: str, files: Mapping[str, str], state: str) -> None:
        part = stack.parts[name]
        known = part_digest(part, stack, self.inputs, files)
        self.parts[name] = ObservedPart(name, part.group, known, config_digest(part, files), state)

    def observed(self) -> Observed:
        return Observed(dict(self.parts), dict(self.inputs), dict(self.done), dict(self.files))

    def be(self, name: str, **changes: str) -> None:
        self.parts[name] = replace(self.parts[name], **changes)

    def ready(self, names: Iterable[str]) -> bool:
        return all(name in self.parts and self.parts[name].state == "ready" for name in names)

    def apply(self, step: Step, stack: Stack, files: Mapping[str, str]) -> None:
        match step.kind:
            case "write":
                self.files[step.subject] = files[step.subject]
            case "build" | "run":
                job = stack.jobs[step.subject]
                self.done[job.name] = job_stamp(job, self.inputs.get(job.name, ""))
            case "start":
                assert step.subject not in self.parts, "it runs already"
                self.start(stack, step.subject, files, "starting")
            case "wait":
                self.be(step.subject, state="ready", reason="")
            case "reload":
                self.be(step.subject, config=config_digest(stack.parts[step.subject], files))
            case "stop" | "remove":
                del self.parts[step.subject]
