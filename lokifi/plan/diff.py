"""Stack against Observed → Plan: the fewest steps, each with its cause and what must come first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lokifi.plan.observed import Observed
from lokifi.plan.stack import Job, Part, Stack, digest
from lokifi.plan.steps import Plan, Step, StepKind

SERVING = ("ready",)
BROKEN = ("crashing", "stopped")


def job_stamp(job: Job, inputs: str) -> str:
    """What a job's success is remembered by: its commands, its toolchain and the content of its inputs."""
    return digest(job.commands, job.minimum, job.toolchain, inputs)


def part_digest(part: Part, stack: Stack, inputs: Mapping[str, str], files: Mapping[str, str]) -> str:
    """What a running part must be restarted for: its command, environment, probes, the sources it was installed
    and released from, and its configuration unless it can reload that."""
    jobs = [stack.jobs[need] for need in part.needs if need in stack.jobs and stack.jobs[need].kind != "init"]
    sources = [job_stamp(job, inputs.get(job.name, "")) for job in jobs]
    configs = [] if part.reload else [files.get(path, "") for path in part.configs]
    return digest(part, sources, configs)


def config_digest(part: Part, files: Mapping[str, str]) -> str:
    """What a running part must reload for."""
    return digest([files.get(path, "") for path in part.configs]) if part.reload else ""


def diff(stack: Stack, files: Mapping[str, str], observed: Observed) -> Plan:
    """The plan that leads from what was observed to the stack; `files` are the fingerprints of its artefacts."""
    draft = _Draft(stack, files, observed)
    for path, fingerprint in files.items():
        if observed.files.get(path) != fingerprint:
            draft.add("write", path, "is new" if path not in observed.files else "differs from the file")
    for job in stack.jobs.values():
        if cause := draft.due(job):
            draft.jobs[job.name] = cause
    for part in stack.parts.values():
        if cause := draft.unlike(part):
            draft.starts[part.name] = cause
    for job in stack.jobs.values():
        if job.name in draft.jobs:
            kind: StepKind = "build" if job.kind in ("install", "build") else "run"
            draft.add(kind, job.name, draft.jobs[job.name], draft.after(job.needs))
    for part in stack.parts.values():
        draft.part(part)
    for part in stack.parts.values():
        draft.reload(part)
    draft.leave()
    return Plan(tuple(draft.steps.values()))


@dataclass
class _Draft:
    """The plan while it is made."""

    stack: Stack
    files: Mapping[str, str]
    observed: Observed
    steps: dict[str, Step] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)

    def add(self, kind: StepKind, subject: str, cause: str, needs: Iterable[str] = ()) -> str:
        step = Step(kind, subject, cause, frozenset(needs))
        self.steps[step.id] = step
        return step.id

    def due(self, job: Job) -> str:
        """Why a job must run, or nothing. An `init` is never repeated: what it made holds data."""
        if job.name not in self.observed.done:
            return "was not done yet"
        if job.kind == "init":
            return ""
        if job.kind == "release" and any(self.anew(need) for need in job.needs):
            return "its data is made anew"
        changed = self.observed.done[job.name] != job_stamp(job, self.observed.inputs.get(job.name, ""))
        return "its sources changed" if changed else ""

    def anew(self, need: str) -> bool:
        """Whether a store gets a new data folder; its `init` was looked at before all that needs it."""
        inits = [job for part in self.stack.group(need) for job in part.needs if job in self.stack.jobs]
        return any(job in self.jobs for job in inits if self.stack.jobs[job].kind == "init")

    def unlike(self, part: Part) -> str:
        """Why a part must be started, or nothing when it runs as the file says."""
        seen = self.observed.parts.get(part.name)
        if seen is None:
            return "does not run"
        if seen.digest != part_digest(part, self.stack, self.observed.inputs, self.files):
            redone = [need for need in part.needs if need in self.jobs]
            return "its sources changed" if redone else "its description changed"
        return f"is {seen.state}{': ' + seen.reason if seen.reason else ''}" if seen.state in BROKEN else ""

    def after(self, needs: Iterable[str]) -> list[str]:
        """The steps that must be done before something with these needs: due jobs, and parts becoming ready."""
        found = []
        for need in needs:
            if need in self.jobs:
                kind = "build" if self.stack.jobs[need].kind in ("install", "build") else "run"
                found.append(f"{kind} {need}")
            found += [f"wait {part.name}" for part in self.stack.group(need) if self.awaited(part)]
        return found

    def awaited(self, part: Part) -> bool:
        """Whether the plan waits for this part: it is started, or runs and is not ready."""
        seen = self.observed.parts.get(part.name)
        return part.name in self.starts or (seen is not None and seen.state not in SERVING)

    def part(self, part: Part) -> None:
        """Start what does not run, replace what differs one copy after the other, wait for what is not ready."""
        seen = self.observed.parts.get(part.name)
        cause = self.starts.get(part.name)
        if cause is None:
            if seen is not None and seen.state not in SERVING:
                self.add("wait", part.name, f"is {seen.state}{': ' + seen.reason if seen.reason else ''}")
            return
        needs = self.after(part.needs) + [f"write {path}" for path in part.configs if f"write {path}" in self.steps]
        if seen is not None:
            needs += self.turn(part)
            needs = [self.add("stop", part.name, cause, needs)]
        start = self.add("start", part.name, cause, needs)
        self.add("wait", part.name, "until it is ready", [start])

    def turn(self, part: Part) -> list[str]:
        """In a rolling replacement: the copy before must be ready again, and new copies too."""
        copies = [copy.name for copy in self.stack.group(part.group) if copy.name in self.starts]
        before = copies[: copies.index(part.name)]
        new = [name for name in copies if name not in self.observed.parts]
        return [f"wait {name}" for name in (*before[-1:], *new) if name != part.name]

    def reload(self, part: Part) -> None:
        """Reload once every new copy it may lead to is ready."""
        seen = self.observed.parts.get(part.name)
        if part.name in self.starts or seen is None or seen.config == config_digest(part, self.files):
            return
        needs = [f"write {path}" for path in part.configs if f"write {path}" in self.steps]
        needs += [f"wait {name}" for name in self.starts]
        self.add("reload", part.name, "its configuration changed", needs)

    def leave(self) -> None:
        """Parts that the stack has no more: traffic is led away first."""
        reloads = [step.id for step in self.steps.values() if step.kind == "reload"]
        for name, seen in self.observed.parts.items():
            if name not in self.stack.parts:
                scaled = any(part.group == seen.group for part in self.stack.parts.values())
                self.add("remove", name, "one copy fewer is wanted" if scaled else "is not in the file", reloads)
