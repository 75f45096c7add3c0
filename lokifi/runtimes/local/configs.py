"""Rendered configurations on this machine: written when their own program accepts them, put into force, remembered."""

from __future__ import annotations

import hashlib
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from lokifi.contracts import Artefact, Rendering
from lokifi.kit import proc
from lokifi.kit.errors import Refused, RuntimeFailed
from lokifi.kit.files import ensure_dir, inside, write_atomic
from lokifi.kit.process import run
from lokifi.plan.diff import config_digest
from lokifi.plan.stack import Part, Words, digest
from lokifi.runtimes.local import environment, leaving
from lokifi.runtimes.local.folder import SHARED, give
from lokifi.runtimes.local.place import Place

CHECK_PATIENCE = 30.0
RELOAD_PATIENCE = 10.0
GLANCE = 0.005


@dataclass(frozen=True)
class Configs:
    """The artefacts of one rendering at one place."""

    place: Place
    rendering: Rendering

    def wanted(self) -> dict[str, str]:
        """The fingerprint that each artefact must have on the disk, secrets included where they exist."""
        return {artefact.path: self._digest(artefact.text) for artefact in self.rendering.artefacts}

    def found(self) -> dict[str, str]:
        """The fingerprint that each artefact has on the disk; links do not count."""
        paths = {artefact.path: self.place.folder.config / artefact.path for artefact in self.rendering.artefacts}
        return {path: _digest(file.read_bytes()) for path, file in paths.items() if file.is_file() and not file.is_symlink()}

    def write(self, path: str, running: bool) -> str:
        """Write one artefact; beside a running part only when its own program accepts it.

        Raises `RuntimeFailed` with what that program said; the old file stays, and so does what runs by it.
        """
        artefact = next(each for each in self.rendering.artefacts if each.path == path)
        target = inside(self.place.folder.config, path)
        if target is None:
            raise Refused("a rendered file leaves its folder", place=path)
        ensure_dir(target.parent, SHARED)
        if not running or not artefact.checker:
            self._put(artefact, target)
            return "written"
        candidate = target.with_name(f"candidate-{target.name}")
        self._put(artefact, candidate)
        try:
            self._check(artefact, candidate)
            candidate.replace(target)
        finally:
            candidate.unlink(missing_ok=True)
        return "checked and written"

    def reload(self, part: Part) -> str:
        """Tell a running part to read its configuration, and see it do so where that can be seen: a program that
        serves by children (nginx) has new ones then. Raises `RuntimeFailed` when it goes on with the old one."""
        pid = next((state.pid for state in self.place.supervisor.states() if state.name == part.name), None)
        before = set(proc.children(pid)) if pid else set()
        leaving.ask(part, before)
        self.place.supervisor.signal(part.name, signal.Signals[f"SIG{part.reload}"])
        deadline = time.monotonic() + RELOAD_PATIENCE
        while pid and before and not set(proc.children(pid)) - before:
            if time.monotonic() > deadline:
                raise RuntimeFailed(f"{part.name} did not take its new configuration", hint=f"see 'lokifi logs {part.name}'")
            time.sleep(GLANCE)
        self.in_force(part)
        return "reloaded"

    def in_force(self, part: Part) -> None:
        """Remember which configuration a reloadable part runs by."""
        if part.reload:
            self.place.memory.note("configs", part.name, config_digest(part, self.wanted()))

    def _put(self, artefact: Artefact, target: Path) -> None:
        secret = not all(isinstance(word, str) for word in artefact.text)
        write_atomic(target, self.place.vault.join(artefact.text), 0o600 if secret else artefact.mode)
        give(target, self.place.identity.account)

    def _check(self, artefact: Artefact, candidate: Path) -> None:
        program, needed = self.place.tools.path(artefact.checker[0])
        words = [word.replace("{}", str(candidate)) for word in artefact.checker[1:]]
        env = environment.of_part(self.place.folder.path, [program.parent], needed)
        argv = [*self.place.identity.prefix, str(program), *words]
        done = run(argv, cwd=candidate.parent, env=env, timeout=CHECK_PATIENCE, user=self.place.identity.account)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).replace(str(candidate), artefact.path).strip()
            raise RuntimeFailed(f"{program.name} refuses {artefact.path}: {said}", hint="the old configuration stays in force")

    def _digest(self, words: Words) -> str:
        missing = self.place.vault.missing([words])
        return digest(words) if missing else _digest(self.place.vault.join(words).encode())


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]
