"""Jobs that run as the parts do: making a data folder, and releasing a version."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lokifi.kit.errors import Refused, RuntimeFailed
from lokifi.kit.files import ensure_dir
from lokifi.kit.process import Completed, run
from lokifi.plan.stack import OUTPUT, Command, Job, digest
from lokifi.runtimes.local import environment
from lokifi.runtimes.local.folder import PRIVATE, SHARED, give
from lokifi.runtimes.local.place import Place

LONGEST = 600.0
LAST_LINES = 15


@dataclass(frozen=True)
class OneShots:
    """Runs init and release jobs under the parts' identity."""

    place: Place

    def init(self, job: Job) -> str:
        """Make a data folder: all commands work on a scratch folder that gets its name when they have succeeded.

        What exists already is data and is never touched. Raises `Refused` or `RuntimeFailed`.
        """
        target = Path(job.output)
        if target.exists() and any(target.iterdir()):
            return "the data is there"
        scratch = target.with_name(f".{target.name}.new")
        shutil.rmtree(scratch, ignore_errors=True)
        ensure_dir(scratch, PRIVATE)
        give(scratch, self.place.identity.account)
        note = self._template(job, scratch) if job.cached else "made"
        self._make(job, job.commands[job.cached :], scratch)
        if target.exists():
            target.rmdir()
        scratch.replace(target)
        return note

    def release(self, job: Job, own: Mapping[str, str], first: list[Path]) -> str:
        """Run a release to its end. Raises `RuntimeFailed` with its last lines."""
        home = self.place.folder.data_of(job.name, self.place.identity.account)
        for command in job.commands:
            env = environment.of_part(home, first, own)
            program = shutil.which(command.argv[0], path=env["PATH"]) or command.argv[0]
            self._run(job, (program, *command.argv[1:]), env, stdin="", cwd=Path(job.folder))
        return "released"

    def _make(self, job: Job, commands: tuple[Command, ...], scratch: Path) -> None:
        for command in commands:
            words = tuple(str(scratch) if word == OUTPUT else word for word in command.argv)
            self._run(job, words, {}, stdin=self.place.vault.join(command.stdin), cwd=scratch)

    def _template(self, job: Job, scratch: Path) -> str:
        """What the cached commands make, copied from an earlier run of the same program where there is one."""
        commands = job.commands[: job.cached]
        program, _ = self.place.tools.path(commands[0].argv[0], job.minimum)
        owner = self.place.tools.program("postgres", job.minimum)
        kept = self.place.cache / "templates" / f"{job.name}-{digest(commands, str(program), owner.version)}"
        if not kept.is_dir():
            self._make(job, commands, scratch)
            self._keep(scratch, kept)
            return "made"
        shutil.rmtree(scratch)
        shutil.copytree(kept, scratch, symlinks=True)
        scratch.chmod(PRIVATE)
        for path in (scratch, *scratch.rglob("*")):
            give(path, self.place.identity.account)
        return "copied from a template"

    def _keep(self, made: Path, kept: Path) -> None:
        """Save a template for the next time; a cache that cannot be written is no failure."""
        try:
            ensure_dir(kept.parent, SHARED)
            scratch = kept.with_name(f".{kept.name}.{digest(str(made))}")
            shutil.rmtree(scratch, ignore_errors=True)
            shutil.copytree(made, scratch, symlinks=True)
            scratch.rename(kept)
        except (OSError, Refused, shutil.Error):
            return

    def _run(self, job: Job, words: tuple[str, ...], env: Mapping[str, str], *, stdin: str, cwd: Path) -> Completed:
        program, needed = (Path(words[0]), {}) if words[0].startswith("/") else self.place.tools.path(words[0], job.minimum)
        full = dict(env) or environment.of_part(cwd, [program.parent], needed)
        argv = [*self.place.identity.prefix, str(program), *words[1:]]
        done = run(argv, cwd=cwd, env=full, input=stdin, timeout=LONGEST, user=self.place.identity.account)
        if done.returncode != 0:
            lines = [*done.stdout.splitlines(), *done.stderr.splitlines()][-LAST_LINES:]
            told = "\n".join(f"    {line}" for line in lines)
            raise RuntimeFailed(f"{job.name}: '{program.name}' ended with exit code {done.returncode}\n{told}")
        return done
