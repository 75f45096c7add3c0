"""`stores`: where the platform keeps its data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from lokifi.model.grammar import Section, Size, Whole, wrong

Eviction = Literal[
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
]


class Postgres(Section):
    """PostgreSQL, one database with the platform's name."""

    version: Whole = Field(15, ge=13, le=30, description="major version; on this machine a newer one will do")
    memory: Size = Field("256Mi", description="memory it may plan with; a quarter becomes shared_buffers")
    connections: Whole = Field(100, ge=10, le=2000, description="most connections at once")


class Redis(Section):
    """Redis (or Valkey), append-only file on."""

    version: Whole = Field(7, ge=6, le=20, description="major version; on this machine a newer one will do")
    memory: Size = Field("256Mi", description="maxmemory")
    eviction: Eviction = Field("allkeys-lru", description="what leaves when the memory is full")


def _not_empty(value: object) -> object:
    if value is None:
        raise wrong("is empty", "write {} for the defaults, or remove the line")
    return value


class Stores(Section):
    """A store that is not named is not run."""

    postgres: Annotated[Postgres | None, BeforeValidator(_not_empty)] = Field(None, description="PostgreSQL")
    redis: Annotated[Redis | None, BeforeValidator(_not_empty)] = Field(None, description="Redis")
