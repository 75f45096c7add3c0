"""Redis: one server; the application signs in as a user of its own, the default user may only ping."""

from __future__ import annotations

from lokifi.model.stores import Redis
from lokifi.plan.layout import Layout
from lokifi.plan.stack import Check, Health, Part, SecretRef, Words

PASSWORD = "redis-password"  # noqa: S105 — the secret's name
USER = "app"
CONFIGS = ("redis/redis.conf", "redis/users.acl")


def fields(layout: Layout) -> dict[str, Words]:
    """What `${redis.…}` stands for."""
    address = layout.address("redis")
    return {
        "url": (f"redis://{USER}:", SecretRef(PASSWORD, "url"), f"@{address}/0"),
        "host": (address.host,),
        "port": (str(address.port),),
    }


def part(store: Redis, layout: Layout) -> Part:
    """The server. Ready means that it answers PING, which it refuses while it still loads its data."""
    check = Check("tcp", layout.address("redis"), send=b"PING\r\n", expect=b"+PONG")
    return Part(
        name="redis",
        group="redis",
        kind="redis",
        argv=("redis-server", layout.config(CONFIGS[0])),
        folder=layout.data("redis"),
        ports={"http": layout.listen("redis")},
        health=Health(startup=check, ready=check, live=check, timeout=5.0, failures=5),
        configs=CONFIGS,
        paths={path: layout.config(path) for path in CONFIGS},
        grace=20.0,
        minimum=max((store.version, 0), (6, 2)),  # channels came into access lists with 6.2
    )
