"""PostgreSQL 13 and newer: the server's settings and who may connect."""

from __future__ import annotations

from lokifi.contracts import Artefact, Loss, Rendering
from lokifi.model.stores import Postgres
from lokifi.plan.parts.postgres import CONFIGS, database_of
from lokifi.plan.stack import Part, Stack
from lokifi.targets.postgres.memory import Memory, shares
from lokifi.targets.text import HEADER, writable

ABOUT = "postgresql.conf and pg_hba.conf of the store"


def render(stack: Stack) -> Rendering:
    """The two files of the `postgres` part; nothing without one. Raises `UsageError` for a path with control characters."""
    part, store = stack.parts.get("postgres"), stack.platform.stores.postgres
    if part is None or store is None:
        return Rendering(())
    memory, told = shares(store.memory, store.connections)
    losses = (Loss("stores.postgres.memory", "approximated", told),) if told else ()
    checker = ("postgres", "-C", "shared_buffers", "-c", "config_file={}")
    return Rendering(
        (
            Artefact(CONFIGS[0], (_config(part, store, memory),), checker=checker),
            Artefact(CONFIGS[1], (_access(database_of(stack.platform.platform)),)),
        ),
        losses,
    )


def quoted(value: str) -> str:
    """`value` as a string of postgresql.conf: quotes and backslashes doubled (PostgreSQL 18, §19.1.2 and guc-file.l).

    Raises `UsageError` for control characters.
    """
    escaped = writable(value, "postgresql.conf").replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def name(value: str) -> str:
    """`value` as a name of pg_hba.conf: in quotes `all` or `replication` is a name too (PostgreSQL 18, §20.1).

    Raises `UsageError` for control characters and a double quote.
    """
    return '"' + writable(value, "pg_hba.conf", '"') + '"'


def _config(part: Part, store: Postgres, memory: Memory) -> str:
    """Only settings that PostgreSQL 13 to 18 all know; the section numbers are those of 18.

    No Unix socket and no reserved connections (§19.3): nobody may sign in as superuser, so slots kept for one would
    be lost. `random_page_cost` 1.1 is what §19.7.2 proposes for solid-state drives; `checkpoint_timeout` and
    `max_wal_size` larger than needed spread writes (§28.5); `wal_compression` costs CPU and saves WAL volume (§19.5.1).
    Logs (§19.8): a statement, its parameters, the detail and the context of an error may hold what users typed,
    passwords included (`ALTER ROLE … PASSWORD`), so only the message itself is written.
    """
    address = part.ports["http"]
    return f"""\
{HEADER}

data_directory = {quoted(part.folder)}
hba_file = {quoted(part.paths[CONFIGS[1]])}
ident_file = {quoted(f"{part.folder}/pg_ident.conf")}

listen_addresses = {quoted(address.host)}
port = {address.port}
unix_socket_directories = ''
max_connections = {store.connections}
superuser_reserved_connections = 0
password_encryption = 'scram-sha-256'

shared_buffers = {memory.shared_buffers}kB
effective_cache_size = {memory.effective_cache_size}kB
work_mem = {memory.work_mem}kB
maintenance_work_mem = {memory.maintenance_work_mem}kB
random_page_cost = 1.1

# Every commit is on the disk before it is acknowledged.
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
wal_compression = on
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
max_wal_size = 1GB

# To standard error, where the supervisor keeps it; what users send never gets there.
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
log_statement = 'none'
log_min_duration_statement = -1
log_min_error_statement = 'panic'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = 'terse'

timezone = 'UTC'
lc_messages = 'C'
lc_monetary = 'C'
lc_numeric = 'C'
lc_time = 'C'
default_text_search_config = 'pg_catalog.english'
"""


def _access(owner: str) -> str:
    """`pg_hba.conf`: the first line that fits decides (PostgreSQL 18, §20.1)."""
    return f"""\
{HEADER}

# The platform's user, to its own database, from this machine. Nobody else: not the superuser, not another database.
host  {name(owner)}  {name(owner)}  127.0.0.1/32  scram-sha-256
host  {name(owner)}  {name(owner)}  ::1/128       scram-sha-256

local all          all                     reject
host  all          all  all                reject
local replication  all                     reject
host  replication  all  all                reject
"""
