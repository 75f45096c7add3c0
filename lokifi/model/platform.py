"""The whole file."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lokifi.model.edge import Edge
from lokifi.model.grammar import Hostname, Name, Section, Variable, shown, wrong
from lokifi.model.observability import Observability
from lokifi.model.service import Service
from lokifi.model.stores import Stores

_SOURCE = re.compile(r"generated\Z|env:[A-Za-z_][A-Za-z0-9_]*\Z|file:[^\0\n/][^\0\n]*\Z")
# Names of parts that lokifi makes itself, so that no service can pass for one.
RESERVED = frozenset({"postgres", "redis", "edge", "prometheus", "supervisor", "all", "secrets", "platform"})


def _source(value: object) -> str:
    if not isinstance(value, str) or not _SOURCE.match(value):
        raise wrong(f"{shown(str(value))} is no source of a secret", "write generated, env:NAME or file:PATH")
    return value


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise wrong(f"{name!r} is the name of a part that lokifi makes", "choose another name")
    return name


ServiceName = Annotated[Name, AfterValidator(_not_reserved)]
Source = Annotated[str, BeforeValidator(_source)]


class Platform(Section):
    """A platform in one environment: the file with that environment's overrides merged in."""

    platform: Name = Field(description="its name; also the name of its database and its database user")
    domain: Hostname = Field("localhost", description="the host name it is served under")
    on: Literal["local"] = Field("local", description="where it runs: local = plain processes on this machine")
    services: dict[ServiceName, Service] = Field(default={}, description="services by name")
    stores: Stores = Field(default=Stores(), description="stores by kind")
    edge: Edge = Field(default=Edge(), description="the door")
    observability: Observability = Field(default=Observability(), description="metrics")
    secrets: dict[Variable, Source] = Field(
        default={}, description="where each secret comes from: generated, env:NAME or file:PATH"
    )
