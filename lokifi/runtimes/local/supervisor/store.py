"""What survives the supervisor: the specs (whole files, two generations) and the records (fixed slots).

A spec is flushed to the disk before it counts; it holds secrets, so it is 0600 in a 0700 folder. A
record (who runs, in which state) is written often and means nothing after a reboot, so it is not
flushed; it is overwritten in place, which needs no free space and cannot leave half a file.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from lokifi.kit.errors import LokifiError, Refused
from lokifi.kit.files import write_atomic
from lokifi.kit.proc import Identity
from lokifi.runtimes.local.supervisor.spec import (
    JSON,
    PartSpec,
    PartState,
    spec_from_json,
    state_from_json,
    to_json,
)

SCHEMA = 1
MAGIC = b"lokifi-run"
SLOT = 1024
CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Wish:
    """A part as it was asked for: in which boot, and whether it should run."""

    spec: PartSpec
    wanted: bool
    boot: str


@dataclass(frozen=True, slots=True)
class Record:
    """A part as it was last seen; `quick` counts the ends in a row that came too early."""

    state: PartState
    leader: Identity | None
    quick: int = 0
    generation: int = 0


class Damaged(Exception):
    """The content is not what was written."""


def seal(body: JSON) -> bytes:
    """Return `body` as one line of header (magic, schema, checksum) and one of JSON."""
    raw = json.dumps(body, separators=(",", ":")).encode()
    return b"%s %d %08x\n%s\n" % (MAGIC, SCHEMA, _checksum(SCHEMA, raw), raw)


def unseal(raw: bytes, place: str) -> JSON:
    """Return the body. Raises `Damaged`, or `Refused` when a newer lokifi wrote it intact."""
    header, _, body = raw.partition(b"\n")
    words = header.split(b" ")
    if len(words) != 3 or words[0] != MAGIC or not words[1].isdigit() or len(words[1]) > 9:
        raise Damaged("no header")
    schema, body = int(words[1]), body.rstrip(b"\n\0 ")
    if words[2] != b"%08x" % _checksum(schema, body):
        raise Damaged("wrong checksum")
    if schema > SCHEMA:
        raise Refused(
            f"was written by a newer lokifi (schema {schema}, this one reads up to {SCHEMA})",
            hint="use that lokifi, or let it take the environment down first",
            place=place,
        )
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Damaged("no JSON") from error
    if schema < 1 or not isinstance(found, dict):
        raise Damaged("unknown schema")
    return found


def _checksum(schema: int, body: bytes) -> int:
    return zlib.crc32(b"%d\n" % schema + body)


class Store:
    """The run files of one environment; `run` is its folder, made by whoever starts the supervisor."""

    def __init__(self, run: Path) -> None:
        self.run = run

    def names(self) -> list[str]:
        """Return the names of all parts on file."""
        try:
            found = {path.name.split(".spec")[0] for path in self.run.iterdir() if ".spec" in path.name}
        except FileNotFoundError:
            return []
        return sorted(name for name in found if name and not name.startswith("."))

    def wish(self, name: str) -> Wish | None:
        """Return what was asked for, from the newest intact generation; None when none is intact.

        Raises `Refused` for a file of a newer lokifi.
        """
        for path in self._generations(name):
            try:
                body = unseal(path.read_bytes(), str(path))
                return Wish(spec_from_json(body["spec"]), bool(body["wanted"]), str(body["boot"]))
            except (OSError, Damaged, KeyError):
                continue
            except LokifiError as error:
                if isinstance(error, Refused):
                    raise
        return None

    def save_wish(self, wish: Wish) -> None:
        """Keep the present generation as the previous one and put `wish` in its place. Raises `Refused`."""
        current, previous = self._generations(wish.spec.name)
        scratch = previous.with_name(f".{previous.name}.tmp")
        try:
            scratch.unlink(missing_ok=True)
            if _intact(current):
                scratch.hardlink_to(current)
                scratch.replace(previous)
        except OSError as error:
            raise Refused(f"cannot keep {current.name}: {error.strerror}", place=str(self.run)) from error
        body = {"spec": to_json(wish.spec), "wanted": wish.wanted, "boot": wish.boot}
        write_atomic(current, seal(body), 0o600)

    def record(self, name: str) -> Record | None:
        """Return how the part was last seen, from the newest intact slot; None when none is."""
        try:
            raw = self._slots(name).read_bytes()
        except OSError:
            return None
        found = [body for body in map(_slot, (raw[:SLOT], raw[SLOT : 2 * SLOT])) if body is not None]
        for body in sorted(found, key=lambda body: -int(body["generation"])):
            try:
                who = body["leader"]
                leader = None if who is None else Identity(int(who[0]), int(who[1]), str(who[2]))
                state = state_from_json(body["state"])
                return Record(state, leader, int(body["quick"]), int(body["generation"]))
            except (LokifiError, KeyError, TypeError, ValueError, IndexError):
                continue
        return None

    def save_record(self, record: Record) -> None:
        """Overwrite the older of the two slots. Raises OSError when that cannot be done."""
        who = record.leader
        body = {
            "generation": record.generation,
            "leader": None if who is None else [who.pid, who.ticks, who.boot],
            "state": to_json(record.state),
            "quick": record.quick,
        }
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._slots(record.state.name), flags, 0o600)
        try:
            os.pwrite(fd, seal(body).ljust(SLOT, b"\0"), record.generation % 2 * SLOT)
        finally:
            os.close(fd)

    def forget(self, name: str) -> None:
        """Remove all files of the part."""
        for path in (*self._generations(name), self._slots(name)):
            path.unlink(missing_ok=True)

    def begin_closing(self) -> None:
        """Note that all parts are about to be stopped for good; a removed folder takes no note. Raises `Refused`."""
        if self.run.is_dir():
            write_atomic(self.run / CLOSING, "", 0o600)

    def end_closing(self) -> None:
        """Note that this is done."""
        (self.run / CLOSING).unlink(missing_ok=True)

    def closing(self) -> bool:
        """Tell whether a shutdown was begun and not ended."""
        return (self.run / CLOSING).exists()

    def _generations(self, name: str) -> tuple[Path, Path]:
        return self.run / f"{name}.spec", self.run / f"{name}.spec.previous"

    def _slots(self, name: str) -> Path:
        return self.run / f"{name}.record"


def _slot(raw: bytes) -> JSON | None:
    try:
        body = unseal(raw, "a record")
        return body if isinstance(body.get("generation"), int) else None
    except (Damaged, Refused):
        return None


def _intact(path: Path) -> bool:
    try:
        unseal(path.read_bytes(), str(path))
    except (OSError, Damaged):
        return False
    return True
