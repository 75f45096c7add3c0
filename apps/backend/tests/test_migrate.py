"""The migration: once, twice, four at once, and when the database is ahead."""

from __future__ import annotations

import json
import subprocess

from alembic.config import Config
from alembic.script import ScriptDirectory

from markets.schema import HEAD, MIGRATIONS
from tests.servers import BACKEND, Postgres, environment, migrate, module


def _events(output: str) -> list[str]:
    return [json.loads(line)["event"] for line in output.splitlines()]


def test_the_head_written_down_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_second_run_changes_nothing(postgres: Postgres) -> None:
    name = postgres.create()
    first, second = migrate(postgres.url(name)), migrate(postgres.url(name))
    assert (first.returncode, second.returncode) == (0, 0), first.stdout + first.stderr
    assert _events(first.stdout)[-1] == "migrated"
    assert _events(second.stdout) == ["already_migrated"]
    assert postgres.sql("SELECT count(*) FROM markets", name) == "12"


def test_four_at_once_do_it_once(postgres: Postgres) -> None:
    name = postgres.create()
    env = environment(postgres.url(name), "")
    running = [
        subprocess.Popen(module("markets.migrate"), env=env, cwd=BACKEND, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    outputs = [child.communicate(timeout=60)[0] for child in running]
    assert [child.returncode for child in running] == [0] * 4, outputs
    upgrades = [
        event for output in outputs for event in _events(output) if event.startswith("Running upgrade")
    ]
    assert len(upgrades) == 1
    assert postgres.sql("SELECT version_num FROM alembic_version", name) == HEAD
    assert postgres.sql("SELECT count(*) FROM markets", name) == "12"


def test_a_failing_migration_leaves_nothing_behind(postgres: Postgres) -> None:
    name = postgres.create()
    # The last table of the migration is in the way, so it fails when the others are made.
    postgres.sql("CREATE TABLE watchlist (x int)", name)
    done = migrate(postgres.url(name))
    assert done.returncode == 1
    assert "watchlist" in json.loads(done.stdout.splitlines()[-1])["reason"]
    assert postgres.sql("SELECT to_regclass('markets') IS NULL", name) == "t"
    postgres.sql("DROP TABLE watchlist", name)
    assert migrate(postgres.url(name)).returncode == 0


def test_a_newer_schema_is_left_alone(postgres: Postgres) -> None:
    name = postgres.create()
    migrate(postgres.url(name))
    postgres.sql("UPDATE alembic_version SET version_num = '9999'", name)
    done = migrate(postgres.url(name))
    assert (done.returncode, _events(done.stdout)) == (0, ["schema_is_newer"])
    assert postgres.sql("SELECT version_num FROM alembic_version", name) == "9999"


def test_a_missing_database_is_one_line_and_exit_1(postgres: Postgres) -> None:
    done = migrate(postgres.url("no_such_database"))
    assert done.returncode == 1
    assert _events(done.stdout) == ["migration_failed"]


def test_the_web_process_loads_no_migration_tool(postgres: Postgres) -> None:
    code = "import sys, markets.main; print(sorted({'alembic', 'sqlalchemy', 'mako'} & set(sys.modules)))"
    env = environment(postgres.url(), "redis://127.0.0.1:1/0")
    done = subprocess.run(
        [module("x")[0], "-c", code], env=env, cwd=BACKEND, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
