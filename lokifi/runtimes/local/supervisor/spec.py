"""What the supervisor is told about a part, and what it tells: the whole vocabulary, strict in JSON."""

from __future__ import annotations

import ipaddress
import json
import re
import signal
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from lokifi.kit.errors import UsageError
from lokifi.kit.process import Account

JSON: TypeAlias = "dict[str, Any]"
ProbeKind = Literal["http", "tcp", "exec"]
Phase = Literal["starting", "ready", "unready", "restarting", "crashing", "stopping", "stopped"]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to a part, asked every `period` seconds; `failures` wrong answers in a row are a no.

    `http` GETs `path` and takes any 2xx or 3xx; `tcp` connects, sends `send` and wants an answer that
    begins with `expect` (both may be empty); `exec` runs `argv` in the part's environment and wants
    exit code 0. `host` is an address: names would need a resolver, which can block.
    """

    kind: ProbeKind
    port: int = 0
    host: str = "127.0.0.1"
    path: str = "/"
    send: bytes = b""
    expect: bytes = b""
    argv: tuple[str, ...] = ()
    period: float = 1.0
    timeout: float = 1.0
    failures: int = 3

    def __post_init__(self) -> None:
        """Refuse what cannot be asked. Raises `UsageError`."""
        if self.kind not in get_args(ProbeKind):
            raise UsageError(f"a probe of kind {self.kind!r} does not exist")
        if self.kind == "exec" and not self.argv:
            raise UsageError("an exec probe needs a program")
        if self.kind != "exec" and not 0 < self.port < 65536:
            raise UsageError(f"a probe needs a port between 1 and 65535, not {self.port}")
        if self.period <= 0 or self.timeout <= 0 or self.failures < 1:
            raise UsageError("the period, time-out and failures of a probe are above 0")
        if re.search(r"[\x00-\x20\x7f]", self.path) or not self.path.startswith("/"):
            raise UsageError("the path of a probe begins with / and holds no blanks or control characters")
        try:
            ipaddress.ip_address(self.host)
        except ValueError as error:
            raise UsageError(f"the host of a probe is an address, not {self.host!r}") from error


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A program to keep alive. Seconds everywhere.

    `env` is the whole environment, `log` the file for both its outputs. `startup` must pass within
    `startup_timeout`, then `ready` decides ready or unready and `live` whether it hangs. To stop it,
    `stop_signal` goes to the leader, and after `grace` SIGKILL to all that is left. `digest` says
    when a running part is out of date. Parts of a higher `order` stop first.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    startup: Probe | None = None
    startup_timeout: float = 30.0
    ready: Probe | None = None
    live: Probe | None = None
    stop_signal: str = "TERM"
    grace: float = 10.0
    digest: str = ""
    uid: int | None = None
    gid: int | None = None
    order: int = 0
    nofile: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be run. Raises `UsageError`; values of `env` are never part of the text."""
        check_name(self.name)
        if f"SIG{self.stop_signal}" not in signal.Signals.__members__:
            raise UsageError(f"{self.name}: there is no signal {self.stop_signal!r}")
        if (self.uid is None) != (self.gid is None):
            raise UsageError(f"{self.name}: uid and gid come together")
        if any("\0" in word for word in (*self.argv, *self.env, *self.env.values())):
            raise UsageError(f"{self.name}: an argument or a variable holds a NUL")
        if any("=" in name or not name for name in self.env):
            raise UsageError(f"{self.name}: the name of a variable is empty or holds '='")

    @property
    def fingerprint(self) -> str:
        """The digest, or one of the whole spec when the caller gave none."""
        return self.digest or f"crc-{zlib.crc32(json.dumps(to_json(self), sort_keys=True).encode()):08x}"

    @property
    def account(self) -> Account | None:
        """Whom to become, None for nobody else."""
        return None if self.uid is None or self.gid is None else Account(self.uid, self.gid)

    @property
    def stop_number(self) -> int:
        """The number of `stop_signal`."""
        return int(signal.Signals[f"SIG{self.stop_signal}"])


@dataclass(frozen=True, slots=True)
class PartState:
    """How a part is. `started_at` and `since` are unix times for people; nothing is decided by them.

    `last_exit` reads `exit 1`, `SIGKILL`, `hung: live probe failed 3x`, or is empty before the first
    end; `adopted` says that an earlier supervisor started the process.
    """

    name: str
    state: Phase
    pid: int | None = None
    restarts: int = 0
    started_at: float | None = None
    digest: str = ""
    adopted: bool = False
    last_exit: str = ""
    since: float = 0.0
    next_try_in: float | None = None


def check_name(name: str) -> str:
    """Return `name` when it can be a part's and a file's. Raises `UsageError`."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name[:80]!r} is no name for a part", hint="lower-case letters, digits, . _ and -")
    return name


def to_json(value: PartSpec | PartState | Probe) -> JSON:
    """Return `value` as plain data; bytes as latin-1 text, so that every byte survives."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def spec_from_json(data: object) -> PartSpec:
    """Read a spec back. Raises `UsageError` on an unknown or missing key, or a value of the wrong type."""
    found = _checked(data, SPEC_TYPES, "a part", {"name", "argv", "env", "cwd", "log"})
    for key in ("startup", "ready", "live"):
        if found.get(key) is not None:
            found[key] = probe_from_json(found[key])
    if not all(isinstance(value, str) for value in found["env"].values()):
        raise UsageError("a part: env holds a value that is no text")
    found |= {"argv": _words(found["argv"]), "cwd": Path(found["cwd"]), "log": Path(found["log"])}
    return PartSpec(**found)


def probe_from_json(data: object) -> Probe:
    """Read a probe back; as strict as `spec_from_json`."""
    found = _checked(data, PROBE_TYPES, "a probe", {"kind"})
    for key in ("send", "expect"):
        if key in found:
            found[key] = found[key].encode("latin-1", "replace")
    if "argv" in found:
        found["argv"] = _words(found["argv"])
    return Probe(**found)


def state_from_json(data: object) -> PartState:
    """Read a state back; as strict as `spec_from_json`."""
    return PartState(**_checked(data, STATE_TYPES, "a state", {"name", "state"}))


NUMBER = (int, float)
PROBE_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("kind", "host", "path", "send", "expect"), (str,)),
    **dict.fromkeys(("port", "failures"), (int,)),
    **dict.fromkeys(("period", "timeout"), NUMBER),
    "argv": (list,),
}
SPEC_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "cwd", "log", "stop_signal", "digest"), (str,)),
    **dict.fromkeys(("startup", "ready", "live"), (dict, type(None))),
    **dict.fromkeys(("startup_timeout", "grace"), NUMBER),
    **dict.fromkeys(("uid", "gid", "nofile"), (int, type(None))),
    "order": (int,),
    "argv": (list,),
    "env": (dict,),
}
STATE_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "state", "digest", "last_exit"), (str,)),
    **dict.fromkeys(("started_at", "next_try_in"), (*NUMBER, type(None))),
    "pid": (int, type(None)),
    "restarts": (int,),
    "adopted": (bool,),
    "since": NUMBER,
}


def _checked(data: object, types: dict[str, tuple[type, ...]], what: str, needed: set[str]) -> JSON:
    if not isinstance(data, dict):
        raise UsageError(f"{what} is a JSON object")
    for key, value in data.items():
        if key not in types:
            raise UsageError(f"{what}: the key {str(key)[:40]!r} is unknown")
        if not isinstance(value, types[key]) or (isinstance(value, bool) and bool not in types[key]):
            raise UsageError(f"{what}: {key} has the wrong type, {type(value).__name__}")
    if missing := needed - set(data):
        raise UsageError(f"{what}: {', '.join(sorted(missing))} is missing")
    return cast(JSON, dict(data))


def _words(items: list[object]) -> tuple[str, ...]:
    if not all(isinstance(item, str) for item in items):
        raise UsageError("argv is a list of texts")
    return tuple(str(item) for item in items)


def _plain(value: object) -> object:
    if isinstance(value, Probe):
        return to_json(value)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
