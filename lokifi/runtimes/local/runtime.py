"""The embedded runtime: the whole platform as plain processes on this machine."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lokifi.contracts import Progress, Rendering, Say
from lokifi.kit.errors import LokifiError, RuntimeFailed
from lokifi.plan.diff import job_stamp, part_digest
from lokifi.plan.observed import Observed, ObservedPart
from lokifi.plan.stack import Job, Part, Stack
from lokifi.plan.steps import Plan, Step
from lokifi.runtimes.local import leaving, ports
from lokifi.runtimes.local.configs import Configs
from lokifi.runtimes.local.inputs import fingerprint
from lokifi.runtimes.local.oneshots import OneShots
from lokifi.runtimes.local.place import Place
from lokifi.runtimes.local.running import LocalRunning
from lokifi.runtimes.local.specs import Specs
from lokifi.runtimes.local.state import State

LAST_LINES = 12
_COPY_NUMBER = re.compile(r"-[0-9]+\Z")


class LocalRuntime:
    """One stack at one place; `say(subject, line)` is told what long steps print."""

    def __init__(self, place: Place, stack: Stack, rendering: Rendering, say: Say) -> None:
        self.place = place
        self.stack = stack
        self.rendering = rendering
        self.say = say
        self.oneshots = OneShots(place)
        self.specs = Specs(place, stack)
        self.configs = Configs(place, rendering)

    def observe(self) -> Observed:
        """What runs, what was made, and what the sources are at this moment; reads only."""
        state = self.place.memory.read()
        parts = {
            each.name: ObservedPart(
                each.name,
                _COPY_NUMBER.sub("", each.name),
                each.digest,
                state.configs.get(each.name, ""),
                each.state,
                each.last_exit,
            )
            for each in self.place.supervisor.states()
            if each.state != "stopped"
        }
        done = {name: stamp for name, stamp in state.done.items() if self._still_there(name, state)}
        return Observed(parts, {name: self._inputs(job) for name, job in self.stack.jobs.items()}, done, self.configs.found())

    def fingerprints(self) -> dict[str, str]:
        """What each artefact must look like on the disk."""
        return self.configs.wanted()

    def prepare(self) -> None:
        """Before a plan is made to be walked: secrets exist, none is blank, and a supervisor lives."""
        made = self.place.vault.make(self.stack.secrets)
        for name in self.stack.secrets:
            self.place.vault.value(name)
        if made:
            self.say("secrets", f"made {', '.join(made)}")

    def equip(self, plan: Plan, progress: Progress) -> None:
        """Before a plan is walked: its ports are free, its programs are there (else they are fetched), and a
        supervisor lives, having adopted what a dead one left."""
        subjects = {step.subject for step in plan.steps}
        parts = [part for part in self.stack.parts.values() if part.name in subjects]
        if self.place.supervisor.left():
            self.place.supervisor.start()
        running = {state.name for state in self.place.supervisor.states() if state.pid}
        dealt = self.place.memory.read().ports
        held = {port for name, port in dealt.items() if name.rpartition(".")[0] in running}
        # Where nothing is remembered, because it was damaged, a part that runs is taken to hold what is dealt to it again.
        ports.check((part for part in parts if dealt or part.name not in running), held)
        needs = self.place.tools.needs(parts, [job for job in self.stack.jobs.values() if job.name in subjects])
        with ThreadPoolExecutor(1) as beside:
            started = beside.submit(self.place.supervisor.start)
            self.place.fetch(self.place.tools.missing(needs), progress)
            started.result()

    def apply(self, step: Step) -> str:
        """Do one step."""
        supervisor = self.place.supervisor
        match step.kind:
            case "write":
                return self._write(step.subject)
            case "build" | "run":
                return self._job(self.stack.jobs[step.subject])
            case "start":
                return self._start(self.stack.parts[step.subject])
            case "wait":
                return self._wait(self.stack.parts[step.subject])
            case "reload":
                return self.configs.reload(self.stack.parts[step.subject])
            case "stop":
                supervisor.stop(step.subject)
                return "stopped"
            case "remove":
                supervisor.forget(step.subject)
                self.place.memory.note("configs", step.subject, None)
                return "removed"

    def end(self, *, purge: bool) -> None:
        """Stop every part and the supervisor; with `purge` the environment's folder goes too."""
        self.place.supervisor.shutdown()
        if purge:
            self.place.folder.purge()

    def running(self) -> LocalRunning:
        """The running platform."""
        return LocalRunning(self.place, self.stack)

    def _inputs(self, job: Job) -> str:
        return fingerprint(self.place.project.root, job.inputs) if job.inputs else ""

    def _still_there(self, name: str, state: State) -> bool:
        """Whether what a job made still exists; somebody may have removed it."""
        job = self.stack.jobs.get(name)
        if job is None:
            return False
        output = state.outputs.get(name) or (job.output if job.kind == "init" else "")
        if job.kind == "install" and job.toolchain == "node":
            output = f"{job.folder}/node_modules"
        return not output or Path(output).is_dir()

    def _write(self, path: str) -> str:
        running = {state.name for state in self.place.supervisor.states() if state.state == "ready"}
        return self.configs.write(path, any(path in part.configs for part in self.stack.parts.values() if part.name in running))

    def _job(self, job: Job) -> str:
        stamp = job_stamp(job, self._inputs(job))
        own = {name: self.place.vault.join(words) for name, words in job.env.items()}
        output, note = self.place.installer.output(job, stamp), "done"
        match job.kind:
            case "install":
                self.place.installer.install(job, output, lambda line: self.say(job.name, line))
            case "build":
                self.place.installer.build(job, own, output, lambda line: self.say(job.name, line))
            case "init":
                note = self.oneshots.init(job)
            case "release":
                installed = self.place.memory.read().outputs
                found = next((installed[need] for need in job.needs if need in installed), "")
                note = self.oneshots.release(job, own, self.place.installer.first_folders(job.toolchain, found))
        self.place.memory.note("outputs", job.name, output or None)
        self.place.memory.note("done", job.name, stamp)
        return note

    def _start(self, part: Part) -> str:
        jobs = [self.stack.jobs[need] for need in part.needs if need in self.stack.jobs]
        inputs = {job.name: self._inputs(job) for job in jobs}
        wanted = part_digest(part, self.stack, inputs, self.fingerprints())
        spec = self.specs.spec(part, wanted, self.place.memory.read().outputs)
        before = {state.name: state for state in self.place.supervisor.states()}.get(part.name)
        self.configs.in_force(part)
        leaving.forget(part)
        self.place.supervisor.put(spec)
        if before is not None and before.digest == wanted and before.state == "crashing":
            self.place.supervisor.restart(part.name)
        return "started"

    def _wait(self, part: Part) -> str:
        try:
            return self.place.supervisor.wait(part.name, part.health.startup_timeout).state
        except LokifiError as error:
            lines = [f"    {line.text}" for line in self.running().tail(part.name, LAST_LINES)]
            raise RuntimeFailed("\n".join([error.sentence, *lines]), hint=error.hint) from error
