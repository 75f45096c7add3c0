"""`stores`: where the platform keeps its data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lokifi.model.grammar import Section, Size, Whole

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


class Stores(Section):
    """A store that is not named is not run."""

    postgres: Postgres | None = Field(None, description="PostgreSQL")
    redis: Redis | None = Field(None, description="Redis")
