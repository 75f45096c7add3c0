"""Redis (or Valkey): its configuration and its users."""

from __future__ import annotations

from lokifi.contracts import Artefact, Loss, Rendering
from lokifi.model.grammar import bytes_of
from lokifi.model.stores import Redis
from lokifi.plan.parts.redis import CONFIGS, PASSWORD, USER
from lokifi.plan.stack import Part, SecretRef, Stack, Words
from lokifi.targets.text import HEADER, writable

ABOUT = "redis.conf and users.acl of the store"

LARGEST = 2**63 - 1
"""Bytes of `maxmemory` that every version reads (`memtoll` of Redis 6 is signed)."""


def render(stack: Stack) -> Rendering:
    """The two files of the `redis` part; nothing without one. Raises `UsageError` for a path with control characters."""
    part, store = stack.parts.get("redis"), stack.platform.stores.redis
    if part is None or store is None:
        return Rendering(())
    losses: tuple[Loss, ...] = ()
    if bytes_of(store.memory) > LARGEST:
        losses = (Loss("stores.redis.memory", "approximated", f"Redis counts to {LARGEST} bytes; that is set"),)
    return Rendering(
        (Artefact(CONFIGS[0], (_config(part, store),)), Artefact(CONFIGS[1], _users(), mode=0o600)),
        losses,
    )


def argument(value: str) -> str:
    """`value` as one double-quoted argument, as `sdssplitargs` of Redis takes it apart again.

    Raises `UsageError` for control characters: they could be written, but no path or number has any.
    """
    escaped = writable(value, "redis.conf").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _config(part: Part, store: Redis) -> str:
    """`redis.conf`; the settings and their defaults: https://redis.io/docs/latest/operate/oss_and_stack/management/config/"""
    address = part.ports["http"]
    memory = min(bytes_of(store.memory), LARGEST)
    return f"""\
{HEADER}

bind {argument(address.host)}
port {address.port}
tcp-keepalive 60
daemonize no
supervised no

# To standard output, where the supervisor keeps it.
logfile ""
loglevel notice
always-show-logo no

# Who may do what; nobody gets in without being named there.
aclfile {argument(part.paths[CONFIGS[1]])}

maxmemory {memory}
maxmemory-policy {store.eviction}

# Every write goes into the append-only file, which is flushed once a second: a crash of the machine
# costs a second, a crash of Redis nothing. Snapshots beside it are what a backup copies.
dir {argument(part.folder)}
appendonly yes
appendfsync everysec
dbfilename dump.rdb
save 3600 1
save 300 100
save 60 10000
"""


def _users() -> Words:
    """`users.acl`; it may hold no comments. https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/

    The default user, which every connection is before it signs in, may only answer the health probe.
    The application gets every key, channel and command except those that stop, configure, empty, copy or
    spy on the server (@dangerous, @admin), among them CONFIG, DEBUG, SHUTDOWN, FLUSHALL, KEYS and MONITOR.
    INFO comes back: clients ask it for the version or whether the data is loaded (ioredis, BullMQ, Sidekiq)
    before they send anything else, and it shows no data.
    """
    return (
        "user default on nopass resetkeys resetchannels -@all +ping\n",
        f"user {USER} on #",
        SecretRef(PASSWORD, "sha256"),
        " ~* &* +@all -@dangerous -@admin +info\n",
    )
