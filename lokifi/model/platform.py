"""The whole file."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lokifi.model.edge import Edge
from lokifi.model.grammar import Hostname, Name, Section, Variable, wrong
from lokifi.model.observability import Observability
from lokifi.model.service import Service
from lokifi.model.stores import Stores

_SOURCE = re.compile(r"generated\Z|env:[A-Za-z_][A-Za-z0-9_]*\Z|file:[^\0\n/][^\0\n]*\Z")
# Names of parts that lokifi makes itself, so that no service can pass for one.
RESERVED = frozenset({"postgres", "redis", "edge", "prometheus", "supervisor", "all", "secrets", "platform"})
# Roles and databases of PostgreSQL's own, and words of its pg_hba.conf ("Database Roles", "The pg_hba.conf File").
POSTGRES_OWN = frozenset(
    {"postgres", "template0", "template1", "public", "none", "all", "sameuser", "samerole", "samegroup", "replication"}
)


def _source(value: object) -> str:
    if not isinstance(value, str):
        raise wrong("is no source of a secret", "write generated, env:NAME or file:PATH")
    if not _SOURCE.match(value):
        # What stands here by mistake may be the secret itself, so it is not shown.
        raise wrong("is no source of a secret", "write generated, env:NAME or file:PATH; the value never stands in this file")
    return value


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise wrong(f"{name!r} is the name of a part that lokifi makes", "choose another name")
    return name


def _not_postgres_own(name: str) -> str:
    if name in POSTGRES_OWN or name.startswith("pg-"):
        raise wrong(f"{name!r} means something else to PostgreSQL", "the database bears the platform's name; choose another")
    return name


ServiceName = Annotated[Name, AfterValidator(_not_reserved)]
Source = Annotated[str, BeforeValidator(_source)]


class Platform(Section):
    """A platform in one environment: the file with that environment's overrides merged in."""

    platform: Annotated[Name, AfterValidator(_not_postgres_own)] = Field(
        description="its name; also the name of its database and its database user"
    )
    domain: Hostname = Field("localhost", description="the host name it is served under")
    on: Literal["local"] = Field("local", description="where it runs: local = plain processes on this machine")
    services: dict[ServiceName, Service] = Field(default={}, description="services by name")
    stores: Stores = Field(default=Stores(), description="stores by kind")
    edge: Edge = Field(default=Edge(), description="the door")
    observability: Observability = Field(default=Observability(), description="metrics")
    secrets: dict[Variable, Source] = Field(
        default={}, description="where each secret comes from: generated, env:NAME or file:PATH"
    )
