"""What an environment remembers between commands: ports, copies asked for, jobs done, configurations in force."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lokifi.kit.files import write_atomic
from lokifi.runtimes.local.supervisor.store import Damaged, seal, unseal

FILE = "state"


@dataclass(frozen=True)
class State:
    """All of it; small, written whole."""

    ports: dict[str, int] = field(default_factory=dict)
    scale: dict[str, int] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)


class Memory:
    """The state on the disk, with the generation before it in case it is damaged. One writer at a time: the lock's."""

    def __init__(self, run: Path) -> None:
        self._path = run / FILE
        self._previous = run / f"{FILE}.previous"
        self._guard = threading.Lock()

    def read(self) -> State:
        """The newest intact generation, or an empty state. Raises `Refused` for a newer lokifi's."""
        for path in (self._path, self._previous):
            try:
                return _state(unseal(path.read_bytes(), str(path)))
            except (OSError, Damaged, TypeError, ValueError):
                continue
        return State()

    def write(self, state: State) -> None:
        """Replace the state. Raises `Refused` when it cannot be written; the old one stays."""
        if self._path.exists() and not self._path.is_symlink():
            try:
                unseal(self._path.read_bytes(), str(self._path))
            except (OSError, Damaged):
                pass
            else:
                write_atomic(self._previous, self._path.read_bytes(), 0o600)
        write_atomic(self._path, seal(asdict(state)), 0o600)

    def note(self, section: str, name: str, value: str | int | None) -> None:
        """Set, or with None forget, one entry of a section; safe from several threads."""
        with self._guard:
            state = self.read()
            entries: dict[str, Any] = dict(getattr(state, section))
            entries.pop(name, None)
            if value is not None:
                entries[name] = value
            self.write(replace(state, **{section: entries}))


def _state(body: dict[str, Any]) -> State:
    found = {}
    for section, kind in (("ports", int), ("scale", int), ("done", str), ("outputs", str), ("configs", str)):
        entries = body.get(section, {})
        if not isinstance(entries, dict) or not all(isinstance(value, kind) for value in entries.values()):
            raise ValueError(section)
        found[section] = entries
    return State(**found)
