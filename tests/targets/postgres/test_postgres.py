"""postgresql.conf and pg_hba.conf, obeyed by a real server that was made by the stack's own job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lokifi.kit import process
from lokifi.plan.stack import OUTPUT, Stack
from lokifi.runtimes.local.identity import choose
from lokifi.targets import postgres
from tests.engines import SECRET, Started, eventually, joined, place, program, ready, running, stack_of
from tests.targets.postgres.wire import Refused, Session

pytestmark = pytest.mark.engine
FILE = 'platform: web-shop\nstores: {postgres: {version: 13, memory: 64Mi, connections: 17}}\nobservability: {metrics: "off"}\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Started]]:
    root = tmp_path_factory.mktemp("it's ")
    stack = stack_of(FILE, root)
    place(postgres, stack, root)
    part, job, found = stack.parts["postgres"], stack.jobs["postgres-init"], program("postgres")
    Path(part.folder).chmod(0o700)
    for command in job.commands:
        binary = found.path if command.argv[0] == "postgres" else found.sibling(command.argv[0])
        words = [word.replace(OUTPUT, part.folder) for word in command.argv[1:]]
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", **found.environment}
        said = process.run([*choose(root).prefix, binary, *words], env=env, cwd=root, input=joined(command.stdin), timeout=60)
        assert said.returncode == 0, said.stderr
    with running(part, root) as started:
        eventually(lambda: ready(part), what=started.text)
        yield stack, started


def session(
    server: tuple[Stack, Started], user: str = "web_shop", database: str = "web_shop", password: str = SECRET
) -> Session:
    return Session(server[0].parts["postgres"].ports["http"], user, database, password)


def test_the_platforms_user_works_in_its_database(server: tuple[Stack, Started]) -> None:
    with session(server) as ask:
        ask("CREATE TABLE kept (id int PRIMARY KEY)")
        ask("INSERT INTO kept VALUES (1)")
        assert ask("SELECT * FROM kept") == [["1"]]
        assert ask("SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = current_user") == [
            ["web_shop", "web_shop", "f"]
        ]


@pytest.mark.parametrize(
    ("user", "database"),
    [
        ("postgres", "postgres"),
        ("postgres", "web_shop"),
        ("web_shop", "postgres"),
        ("web_shop", "template1"),
        ("x", "web_shop"),
    ],
)
def test_nobody_else_and_nothing_else_is_let_in(server: tuple[Stack, Started], user: str, database: str) -> None:
    with pytest.raises(Refused, match=r"pg_hba\.conf rejects connection"):
        session(server, user, database)


def test_a_wrong_password_is_refused(server: tuple[Stack, Started]) -> None:
    with pytest.raises(Refused, match="password authentication failed"):
        session(server, password="wrong")


def test_all_connections_that_the_file_names_are_the_applications(server: tuple[Stack, Started]) -> None:
    sessions = []
    try:
        for _ in range(17):
            sessions.append(eventually(lambda: _tried(server), what="a slot is missing"))
        with pytest.raises(Refused, match="too many clients"):
            session(server)
    finally:
        for one in sessions:
            one.close()


def _tried(server: tuple[Stack, Started]) -> Session | None:
    # Sessions of earlier tests take a moment to end.
    try:
        return session(server)
    except Refused:
        return None


def test_the_settings_are_in_force_and_no_socket_is_there(server: tuple[Stack, Started]) -> None:
    stack, started = server
    part = stack.parts["postgres"]
    wanted = {
        "shared_buffers": "16MB",
        "effective_cache_size": "48MB",
        "max_connections": "17",
        "superuser_reserved_connections": "0",
        "password_encryption": "scram-sha-256",
        "synchronous_commit": "on",
        "log_min_error_statement": "panic",
        "listen_addresses": "127.0.0.1",
        "TimeZone": "UTC",
    }
    with eventually(lambda: _tried(server)) as ask:
        assert {name: ask(f"SHOW {name}")[0][0] for name in wanted} == wanted
        assert ask("SELECT count(*) FROM pg_settings WHERE pending_restart") == [["0"]]
    assert not list(started.log.parent.rglob(".s.PGSQL*"))
    assert Path(part.folder, "postmaster.pid").is_file()


def test_the_log_tells_the_error_but_nothing_that_a_user_wrote(server: tuple[Stack, Started]) -> None:
    canary = "c4n4ry"
    with eventually(lambda: _tried(server)) as ask:
        ask("CREATE TABLE IF NOT EXISTS people (mail text PRIMARY KEY)")
        ask(f"INSERT INTO people VALUES ('{canary}') ON CONFLICT DO NOTHING")
        for statement in (
            f"INSERT INTO people VALUES ('{canary}')",
            f"ALTER ROLE nobody PASSWORD '{canary}'",
            f"SELECT 1/0 -- {canary}",
            f"DO $$ BEGIN PERFORM '{canary}' || 1/0; END $$",
        ):
            with pytest.raises(Refused):
                ask(statement)
    eventually(lambda: "division by zero" in server[1].text)
    assert canary not in server[1].text
    assert re.search(
        r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC \[\d+\] web_shop@web_shop ERROR:  division by zero$", server[1].text, re.M
    )


def test_nothing_in_the_log_says_that_a_setting_is_wrong(server: tuple[Stack, Started]) -> None:
    for word in ("unrecognized", "invalid", "could not open", "WARNING"):
        assert word not in server[1].text
