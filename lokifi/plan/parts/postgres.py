"""PostgreSQL: one server, one database and its owner, named after the platform."""

from __future__ import annotations

import struct

from lokifi.model.stores import Postgres
from lokifi.plan.layout import Layout
from lokifi.plan.stack import OUTPUT, Check, Command, Health, Job, Part, SecretRef, Words

PASSWORD = "postgres-password"  # noqa: S105 — the secret's name
CONFIGS = ("postgres/postgresql.conf", "postgres/pg_hba.conf")


def database_of(platform: str) -> str:
    """The database and user of a platform: its name, with the one character that SQL would need quotes for replaced."""
    return platform.replace("-", "_")


def fields(layout: Layout, platform: str) -> dict[str, Words]:
    """What `${postgres.…}` stands for."""
    address, name = layout.address("postgres"), database_of(platform)
    return {
        "url": (f"postgresql://{name}:", SecretRef(PASSWORD, "url"), f"@{address}/{name}"),
        "host": (address.host,),
        "port": (str(address.port),),
        "user": (name,),
        "database": (name,),
    }


def part(store: Postgres, layout: Layout, platform: str) -> Part:
    """The server. Ready means that it answers a start-up packet with an authentication request."""
    check = Check("tcp", layout.address("postgres"), send=startup_packet(database_of(platform)), expect=b"R")
    config = layout.config(CONFIGS[0])
    return Part(
        name="postgres",
        group="postgres",
        kind="postgres",
        argv=("postgres", "-D", layout.data("postgres"), "-c", f"config_file={config}"),
        folder=layout.data("postgres"),
        ports={"http": layout.listen("postgres")},
        health=Health(startup=check, ready=check, live=check, timeout=5.0, failures=5),
        needs=("postgres-init",),
        configs=CONFIGS,
        paths={path: layout.config(path) for path in CONFIGS},
        stop="INT",  # fast shutdown: sessions are ended, data is flushed (PostgreSQL 18.5, "Shutting Down the Server")
        grace=30.0,
        minimum=(store.version,),
    )


def jobs(store: Postgres, layout: Layout, platform: str) -> list[Job]:
    """The data folder: initdb, then the role and its database in single-user mode, so that no password travels.

    The password comes last, so that all before it can be kept for the next time.
    """
    name = database_of(platform)
    roles = f'CREATE ROLE "{name}" LOGIN\nCREATE DATABASE "{name}" OWNER "{name}"\n'
    password: Words = (f'ALTER ROLE "{name}" PASSWORD \'', SecretRef(PASSWORD, "scram"), "'\n")
    single = ("postgres", "--single", "-D", OUTPUT, "postgres")
    # The rendered pg_hba.conf is the one in force; initdb's own lets nobody in.
    initdb = ("initdb", "-D", OUTPUT, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
    options = ("--no-instructions", "--data-checksums", "--auth=reject")
    return [
        Job(
            name="postgres-init",
            kind="init",
            commands=(Command(initdb + options), Command(single, (roles,)), Command(single, password)),
            folder="",
            output=layout.data("postgres"),
            cached=2,
            minimum=(store.version,),
        )
    ]


def startup_packet(user: str) -> bytes:
    """A StartupMessage of protocol 3.0 (PostgreSQL documentation, "Message Formats")."""
    body = struct.pack("!i", 196608) + b"user\0" + user.encode() + b"\0database\0" + user.encode() + b"\0\0"
    return struct.pack("!i", len(body) + 4) + body
