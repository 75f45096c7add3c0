"""The Stack: a platform in one environment with every default applied, every address known, nothing optional left.

Targets render it, runtimes run it, proofs measure it; none of them looks at the file again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from lokifi.model.platform import Platform

SecretForm = Literal["plain", "url", "sha256", "scram"]
PartKind = Literal["service", "postgres", "redis", "nginx", "prometheus"]
JobKind = Literal["install", "build", "init", "release"]


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret goes, without its value.

    `form` says how it is written there: as it is, percent-encoded for a URL (RFC 3986 §2.1), as a hex SHA-256,
    or as a SCRAM-SHA-256 verifier in PostgreSQL's notation (RFC 5803), so that the server never sees the password.
    """

    name: str
    form: SecretForm = "plain"


Words = tuple[str | SecretRef, ...]
"""Text in which secrets stand as references; only a runtime joins it, and only into a 0600 file or one environment."""


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address (or host name) and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Check:
    """One question to a part: an HTTP GET that must answer 2xx or 3xx, or bytes whose answer must begin with `expect`."""

    kind: Literal["http", "tcp"]
    address: Address
    path: str = "/"
    send: bytes = b""
    expect: bytes = b""


@dataclass(frozen=True, slots=True)
class Health:
    """The three probes and their timing, in seconds. Without a probe the living process is the sign."""

    startup: Check | None = None
    ready: Check | None = None
    live: Check | None = None
    period: float = 1.0
    timeout: float = 2.0
    failures: int = 3
    startup_timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Part:
    """One process that is kept running.

    `argv[0]` is the name of a program that the runtime finds; `needs` names parts, groups or jobs that come first;
    `configs` are the artefacts it reads: when only these change and `reload` is a signal, it is not restarted;
    `paths` says, by artefact, where it finds them. In the folder `leaving`, a file that bears the number of one of its
    processes asks that process to announce the end of each connection with its next answer.
    """

    name: str
    group: str
    kind: PartKind
    argv: tuple[str, ...]
    folder: str
    env: Mapping[str, Words] = field(default_factory=dict)
    ports: Mapping[str, Address] = field(default_factory=dict)
    health: Health = Health()
    needs: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    reload: str = ""
    leaving: str = ""
    stop: str = "TERM"
    grace: float = 10.0
    metrics: str = ""
    url: str = ""
    minimum: tuple[int, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """One program to its end; `stdin` may hold secrets, the arguments never do."""

    argv: tuple[str, ...]
    stdin: Words = ()


OUTPUT = "{output}"
"""In a job's arguments: the folder that the job makes, which gets its name only when the job has succeeded."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is done once for its `inputs`: install, build, init, release.

    `inputs` are paths below the project whose content decides whether it is due again; `output` is what it makes,
    below the project for `install` and `build` of node, else a folder of the environment; the result of the first
    `cached` commands, which hold no secret, may be copied from an earlier run by the same program.
    """

    name: str
    kind: JobKind
    commands: tuple[Command, ...]
    folder: str
    env: Mapping[str, Words] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    output: str = ""
    cached: int = 0
    toolchain: Literal["python", "node", "none"] = "none"
    minimum: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """All parts and jobs of one environment."""

    platform: Platform
    environment: str
    parts: Mapping[str, Part]
    jobs: Mapping[str, Job]
    statics: Mapping[str, str]
    secrets: Mapping[str, str]

    def group(self, name: str) -> list[Part]:
        """The copies of a service, or the one part of that name, in their order."""
        return [part for part in self.parts.values() if name in (part.group, part.name)]


def digest(*values: object) -> str:
    """A short fingerprint of what `values` say, the same in every process."""
    text = json.dumps([_plain(value) for value in values], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if hasattr(value, "__dataclass_fields__"):
        return {"type": type(value).__name__, **asdict(value)}  # type: ignore[call-overload]
    if isinstance(value, Mapping):
        return dict(value)
    return value
