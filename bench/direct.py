"""The parts' own commands, run without lokifi: the longest unavoidable chain, and what other supervisors are given."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

from bench.platform import PATIENCE, Popen, Reference, until
from lokifi.runtimes.local.supervisor.spec import PartSpec

PAUSE = 0.002


class Direct:
    """Made while the platform runs: remembers commands, environments and configurations. Then stop it."""

    def __init__(self, platform: Reference) -> None:
        self.platform = platform
        self.specs = platform.specs()
        self.kept = platform.folder / "kept"
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(platform.state / "config", self.kept / "config")
        self.running: list[tuple[PartSpec, Popen]] = []

    def start(self, name: str) -> None:
        """Start a part."""
        spec = self.specs[name]
        process = subprocess.Popen(spec.argv, cwd=spec.cwd, env=dict(spec.env), **account(spec), **SILENT)
        self.running.append((spec, process))

    def stop(self) -> None:
        """End everything that was started, the last first."""
        for spec, process in reversed(self.running):
            process.send_signal(spec.stop_number)
            process.wait(PATIENCE)
        self.running.clear()

    def template(self) -> None:
        """Make the data folder that a cold chain copies: initdb, the role and the database."""
        spec, target = self.specs["postgres"], self.kept / "template"
        url = urllib.parse.urlsplit(self.specs["backend-1"].env["DATABASE_URL"])
        name, password = url.path.lstrip("/"), urllib.parse.unquote(url.password or "")
        target.mkdir(mode=0o700)
        give(target, spec)
        binary = str(Path(spec.argv[-len(POSTGRES_WORDS)]).with_name("initdb"))
        initdb = [*spec.argv[: -len(POSTGRES_WORDS)], binary, "-D", str(target), "-U", "postgres"]
        run([*initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", "--data-checksums", "--auth=reject"], spec, b"")
        sql = f'CREATE ROLE "{name}" LOGIN PASSWORD \'{password}\'\nCREATE DATABASE "{name}" OWNER "{name}"\n'
        single = [*spec.argv[: -len(POSTGRES_WORDS) + 1], "--single", "-D", str(target), "postgres"]
        run(single, spec, sql.encode())

    def reset(self) -> None:
        """No data, and the configuration that belongs to the remembered secrets; not part of any time."""
        state = self.platform.state
        self.platform.erase()
        shutil.copytree(self.kept / "config", state / "config")
        give(state / "config", self.specs["edge"], below=True)
        (state / "data").mkdir()
        (state / "logs").mkdir(mode=0o700)
        for name, spec in self.specs.items():
            if name != "postgres":
                (state / "data" / name).mkdir(mode=0o700)
                give(state / "data" / name, spec)

    def chain(self, cold: bool) -> dict[str, float]:
        """Seconds until each link: template → PostgreSQL → migration → one backend → the edge. Redis comes beside."""
        begin, moments = time.perf_counter(), {}
        postgres, backend = self.specs["postgres"], self.specs["backend-1"]
        self.start("redis")
        if cold:
            target = self.platform.state / "data" / "postgres"
            shutil.copytree(self.kept / "template", target, symlinks=True)
            target.chmod(0o700)
            give(target, postgres, below=True)
            moments["template"] = time.perf_counter() - begin
        self.start("postgres")
        accepts(postgres)
        moments["PostgreSQL"] = time.perf_counter() - begin
        if cold:
            run([str(Path(backend.argv[self.word(backend)]).with_name("python")), "-m", "markets.migrate"], backend, b"")
            moments["migration"] = time.perf_counter() - begin
        self.start("backend-1")
        until(f"http://127.0.0.1:{ready_port(backend)}/api/ready")
        moments["backend"] = time.perf_counter() - begin
        self.start("edge")
        until(f"http://127.0.0.1:{self.platform.port}/api/ready")
        moments["edge"] = time.perf_counter() - begin
        self.stop()
        return moments

    def word(self, spec: PartSpec) -> int:
        """Where in the command its program stands: behind what changes the account, if anything."""
        return next(at for at, word in enumerate(spec.argv) if Path(word).name in ("uvicorn", "python"))

    def scripts(self) -> dict[str, Path]:
        """A shell script for each part that does as lokifi does: folder, environment, account, program.

        The output goes to a file, for nginx opens /dev/stdout by its name and may not open a pipe of root's.
        """
        made = {}
        for name, spec in self.specs.items():
            log = self.kept / f"{name}.log"
            log.touch()
            give(log, spec)
            lines = [f"cd {shlex.quote(str(spec.cwd))} || exit 1", f"exec >>{shlex.quote(str(log))} 2>&1"]
            lines += [f"export {key}={shlex.quote(value)}" for key, value in spec.env.items()]
            become = () if spec.uid is None else ("setpriv", f"--reuid={spec.uid}", f"--regid={spec.gid}", "--clear-groups")
            lines.append("exec " + shlex.join((*become, *spec.argv)))
            made[name] = self.kept / f"{name}.sh"
            made[name].touch(0o600)
            made[name].write_text("\n".join(lines) + "\n")
        return made


SILENT: dict[str, Any] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.DEVNULL,
    "stderr": subprocess.DEVNULL,
    "start_new_session": True,
}
POSTGRES_WORDS = ("postgres", "-D", "DATA", "-c", "config_file")


def account(spec: PartSpec) -> dict[str, Any]:
    """Whom to become, for `subprocess`."""
    return {} if spec.uid is None else {"user": spec.uid, "group": spec.gid, "extra_groups": []}


def give(path: Path, spec: PartSpec, below: bool = False) -> None:
    """Hand a path to a part's account, where it has one."""
    if spec.uid is not None and spec.gid is not None:
        for each in (path, *(path.rglob("*") if below else ())):
            os.chown(each, spec.uid, spec.gid, follow_symlinks=False)


def run(argv: list[str], spec: PartSpec, stdin: bytes) -> None:
    """Run a program as a part runs, to its end. Ends the benchmark when it fails."""
    done = subprocess.run(argv, cwd=spec.cwd, env=dict(spec.env), input=stdin, capture_output=True, **account(spec))
    if done.returncode:
        sys.exit(f"{Path(argv[0]).name} ended with {done.returncode}: {done.stdout!r} {done.stderr!r}")


def accepts(spec: PartSpec) -> None:
    """Return when the server answers the first words of a connection."""
    probe = spec.startup
    assert probe is not None
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((probe.host, probe.port), timeout=1.0) as connection:
                connection.sendall(probe.send)
                if connection.recv(1) == probe.expect[:1]:
                    return
        except OSError:
            pass
        time.sleep(PAUSE)
    sys.exit(f"{spec.name} did not accept a connection")


def ready_port(spec: PartSpec) -> int:
    """Where the part is asked whether it is ready."""
    assert spec.ready is not None
    return spec.ready.port
