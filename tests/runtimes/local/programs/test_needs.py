"""What fits a need, in numbers and in words, and the programs beside a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from lokifi.kit.errors import ToolMissing, UsageError
from lokifi.runtimes.local.programs import Need, Program, find


@pytest.mark.parametrize(
    ("need", "version", "objection"),
    [
        (Need("postgres", (15,)), (15, 18), ""),
        (Need("postgres", (15,)), (15,), ""),
        (Need("postgres", (15, 0)), (15,), ""),
        (Need("postgres", (15, 0, 0)), (15, 0), ""),
        (Need("postgres", (15,)), (14, 99), "is older than 15"),
        (Need("postgres", (15,)), (9, 6), "is older than 15"),
        (Need("nginx", (1, 18)), (1, 9, 15), "is older than 1.18"),
        (Need("nginx", (1, 18, 0)), (1, 18), ""),
        (Need("postgres", (15,), 17), (17, 10), ""),
        (Need("postgres", (15,), 17), (18,), "is newer than 17"),
        (Need("node"), (0, 1), ""),
    ],
)
def test_versions_compare_as_numbers(need: Need, version: tuple[int, ...], objection: str) -> None:
    assert need.objection(version) == objection


def test_a_need_in_words() -> None:
    assert Need("redis-server").wanted == "any version"
    assert Need("nginx", (1, 18), 2, ("stub_status", "ssl")).wanted == "1.18 or newer, at most 2, with stub_status and ssl"


def test_an_unknown_program_is_an_error_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no program is called 'oracle'"):
        find(Need("oracle"), tmp_path, [])


def test_a_sibling_is_taken_from_beside_the_real_file(tmp_path: Path, fake) -> None:
    real = fake(tmp_path / "15/bin", "postgres", "")
    initdb = fake(tmp_path / "15/bin", "initdb", "")
    fake(tmp_path / "bin", "initdb", "echo of another version")
    only_here = fake(tmp_path / "bin", "createuser", "")
    link = tmp_path / "bin/postgres"
    link.symlink_to(real)
    program = Program("postgres", link, "15.1", "machine")
    assert program.sibling("initdb") == initdb
    assert program.sibling("createuser") == only_here


@pytest.mark.parametrize("name", ["redis-cli", "", "..", ".", "../bin/sh", "/bin/sh"])
def test_a_missing_sibling_is_named(tmp_path: Path, fake, name: str) -> None:
    program = Program("redis-server", fake(tmp_path, "redis-server", ""), "7.0", "machine")
    with pytest.raises(ToolMissing):
        program.sibling(name)


def test_the_environment_of_a_program() -> None:
    path = Path("/x/nginx")
    assert Program("nginx", path, "1", "machine").environment == {}
    assert Program("nginx", path, "1", "prefix", ("/a", "/b c")).environment == {"LD_LIBRARY_PATH": "/a:/b c"}
