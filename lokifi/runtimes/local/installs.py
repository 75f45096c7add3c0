"""Dependencies and builds of services: Python ones by uv into a folder of the environment, Node ones by npm in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from lokifi.kit.errors import RuntimeFailed
from lokifi.kit.files import ensure_dir
from lokifi.kit.process import stream
from lokifi.plan.stack import Job
from lokifi.runtimes.local import environment
from lokifi.runtimes.local.folder import SHARED, Folder
from lokifi.runtimes.local.tools import PYTHON, Tools

LONGEST = 900.0
LAST_LINES = 15
Say = Callable[[str], None]


@dataclass(frozen=True)
class Installer:
    """Runs install and build jobs as the caller, for they write into the caller's project and caches."""

    root: Path
    folder: Folder
    tools: Tools
    caller: Mapping[str, str]

    def output(self, job: Job, stamp: str) -> str:
        """Where an install or build of this stamp leaves its result; empty when that is in the project."""
        if job.kind == "install" and job.toolchain == "python":
            return str(self.folder.build / job.name / stamp)
        if job.kind == "build" and job.output:
            return str(self.folder.build / job.name / stamp)
        return ""

    def install(self, job: Job, output: str, say: Say) -> None:
        """Install what the job's manifest lists. Raises `RuntimeFailed` with the installer's last lines."""
        manifest = self.root / job.inputs[0]
        if job.toolchain == "node":
            words = ["ci"] if manifest.name == "package-lock.json" else ["install"]
            self._run(job, ["npm", *words, "--no-audit", "--no-fund"], {}, say)
            return
        target = Path(output)
        ensure_dir(target.parent, SHARED)
        shutil.rmtree(target, ignore_errors=True)
        python = self.tools.program("python", PYTHON).path
        uv = find_uv_bin()
        self._run(job, [uv, "venv", "--quiet", "--no-project", "--python", str(python), output], {}, say)
        install = [uv, "pip", "install", "--compile-bytecode", "--python", f"{output}/bin/python"]
        self._run(job, [*install, "-r", str(manifest)], {"UV_LINK_MODE": "copy"}, say)

    def build(self, job: Job, own: Mapping[str, str], output: str, say: Say) -> None:
        """Build, and keep what came out under its own name, so that the edge is switched over in one rename."""
        for command in job.commands:
            self._run(job, list(command.argv), own, say)
        if not output:
            return
        if not Path(job.output).is_dir():
            raise RuntimeFailed(f"{job.name} made no folder {Path(job.output).name!r}", hint="check 'static' and 'build'")
        target = Path(output)
        ensure_dir(target.parent, SHARED)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(job.output, target)
        self.publish(job, output)

    def publish(self, job: Job, output: str) -> None:
        """Let the edge serve `output`: the name that its configuration knows is a link, replaced atomically."""
        link = self.folder.static / job.name.removeprefix("build-")
        scratch = link.with_name(f".{link.name}.new")
        scratch.unlink(missing_ok=True)
        scratch.symlink_to(os.path.relpath(output, link.parent))
        scratch.replace(link)
        for old in Path(output).parent.iterdir():
            if old != Path(output):
                shutil.rmtree(old, ignore_errors=True)

    def first_folders(self, toolchain: str, installed: str) -> list[Path]:
        """Where the commands of a service are looked for before the system's folders."""
        if toolchain == "python" and installed:
            return [Path(installed) / "bin"]
        if toolchain == "node":
            return [self.tools.program("node", (20,)).path.parent]
        return []

    def _run(self, job: Job, argv: list[str], own: Mapping[str, str], say: Say) -> None:
        first = self.first_folders(job.toolchain, "") if job.toolchain == "node" else []
        env = environment.of_build(self.caller, first, own)
        if not Path(argv[0]).is_absolute():
            argv = [shutil.which(argv[0], path=env["PATH"]) or argv[0], *argv[1:]]
        last: list[str] = []

        def on_line(line: str) -> None:
            last.append(line)
            del last[:-LAST_LINES]
            say(line)

        code = stream(argv, on_line=on_line, cwd=Path(job.folder), env=env, timeout=LONGEST)
        if code != 0:
            told = "\n".join(f"    {line}" for line in last)
            raise RuntimeFailed(f"{job.name}: '{Path(argv[0]).name}' ended with exit code {code}\n{told}")
