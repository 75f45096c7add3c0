"""A part of the stack as the supervisor wants it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lokifi.kit.errors import Refused, ToolMissing
from lokifi.plan.stack import Check, Part, Stack
from lokifi.runtimes.local import environment
from lokifi.runtimes.local.place import Place
from lokifi.runtimes.local.supervisor.spec import PartSpec, Probe

OPEN_FILES = 4096


@dataclass(frozen=True)
class Specs:
    """Makes specs: programs by their paths, secrets in the environment, everything absolute."""

    place: Place
    stack: Stack

    def spec(self, part: Part, digest: str, outputs: Mapping[str, str]) -> PartSpec:
        """The spec of `part`. Raises `ToolMissing` when its program is nowhere, `Refused` when its data is of another
        version."""
        account = self.place.identity.account
        home = self.place.folder.data_of(part.name, account)
        first, own = self._place(part, outputs)
        env = environment.of_part(home, first, own | {name: self.place.vault.join(words) for name, words in part.env.items()})
        program = self._program(part, env["PATH"])
        health = part.health
        startup = _probe(health.startup, health.period, health.timeout, 1)
        return PartSpec(
            name=part.name,
            argv=(*self.place.identity.prefix, str(program), *part.argv[1:]),
            env=env,
            cwd=Path(part.folder),
            log=self.place.folder.logs / f"{part.name}.log",
            startup=startup,
            startup_timeout=health.startup_timeout,
            ready=_probe(health.ready, health.period, health.timeout, 1),
            live=_probe(health.live, health.period, health.timeout, health.failures),
            stop_signal=part.stop,
            grace=part.grace,
            digest=digest,
            uid=account.uid if account else None,
            gid=account.gid if account else None,
            order=1 if part.kind in ("service", "nginx") else 0,
            nofile=OPEN_FILES,
        )

    def _place(self, part: Part, outputs: Mapping[str, str]) -> tuple[list[Path], dict[str, str]]:
        if part.kind == "postgres":
            self._same_version(part)
        if part.kind != "service":
            return [], dict(self.place.tools.path(part.argv[0], part.minimum)[1])
        for need in part.needs:
            job = self.stack.jobs.get(need)
            if job is not None and job.kind == "install":
                return self.place.installer.first_folders(job.toolchain, outputs.get(need, "")), {}
        return [], {}

    def _program(self, part: Part, path: str) -> Path:
        if part.kind != "service":
            return self.place.tools.path(part.argv[0], part.minimum)[0]
        word = part.argv[0]
        found = str(Path(part.folder) / word) if "/" in word else shutil.which(word, path=path)
        if not found or not Path(found).is_file():
            hint = f"is it among the dependencies of {part.group}? A script of its own is written ./NAME"
            raise ToolMissing(f"{part.name}: there is no program {word!r}", hint=hint)
        return Path(found)

    def _same_version(self, part: Part) -> None:
        made = (self.place.folder.data / part.name / "PG_VERSION").read_text("ascii").strip()
        program = self.place.tools.program(part.argv[0], part.minimum)
        if program.version.split(".")[0] != made:
            raise Refused(
                f"the data of {part.name} was made by PostgreSQL {made}, the program here is {program.version}",
                hint=f"install PostgreSQL {made}, or move the data by pg_dump and pg_restore",
                place=str(self.place.folder.data / part.name),
            )


def _probe(check: Check | None, period: float, timeout: float, failures: int) -> Probe | None:
    if check is None:
        return None
    return Probe(
        kind=check.kind,
        port=check.address.port,
        host=check.address.host,
        path=check.path,
        send=check.send,
        expect=check.expect,
        period=period,
        timeout=timeout,
        failures=failures,
    )
