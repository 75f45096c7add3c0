from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from lokifi import __version__
from lokifi.cli.app import application
from lokifi.cli.commands import COMMANDS, SECTIONS, overview
from lokifi.cli.define import Command
from tests.cli.run import environment, lokifi

HEAVY = ("pydantic", "rich", "yaml", "click", "dataclasses", "lokifi.flow", "lokifi.model", "lokifi.runtimes")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"], ["--no-color"], ["--no-color", "--help"]])
def test_the_help_names_every_command_and_needs_no_project(arguments: list[str], tmp_path: Path) -> None:
    ended = lokifi(*arguments, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == overview()
    assert all(f"\n  {name} " in ended.stdout for name in COMMANDS)
    assert all(f"\n{section}:\n" in ended.stdout for section in SECTIONS)
    assert max(map(len, ended.stdout.splitlines())) <= 100


def test_the_help_imports_nothing_heavy(tmp_path: Path) -> None:
    script = "import sys, lokifi.cli.main as m; m.main(['--help']); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(ended.stderr.split())
    assert loaded & set(HEAVY) == set()
    assert not any(name.startswith("lokifi.cli.") and name.rsplit(".", 1)[1] in COMMANDS for name in loaded)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_says_what_it_does_and_ends_with_examples(name: str) -> None:
    command = application.get_command(click.Context(application), name)
    assert isinstance(command, Command)
    assert command.name == name
    assert 2 <= len(command.examples) <= 4
    assert all(line.split()[0] == name for line, _ in command.examples)
    text = command.get_help(click.Context(command, info_name=f"lokifi {name}", **command.context_settings))
    assert text.index("Options:") < text.index("Examples:")
    assert all(isinstance(option, click.Argument) or getattr(option, "help", "") for option in command.params)


def test_every_example_is_accepted_by_the_parser_of_its_command() -> None:
    for name in COMMANDS:
        command = application.get_command(click.Context(application), name)
        assert isinstance(command, Command)
        for line, _ in command.examples:
            words = line.split(" >")[0].replace("'error|timeout'", "error").split()[1:]
            command.make_context(f"lokifi {name}", words)


def test_help_with_the_name_of_a_command_is_that_commands_help(tmp_path: Path) -> None:
    assert lokifi("help", "logs", cwd=tmp_path).stdout == lokifi("logs", "--help", cwd=tmp_path).stdout


def test_the_version(tmp_path: Path) -> None:
    assert lokifi("--version", cwd=tmp_path).stdout == f"lokifi {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["statsu"], "lokifi: there is no command 'statsu' — did you mean 'status'?"),
        (["xyzzy"], "lokifi: there is no command 'xyzzy' — 'lokifi --help' lists all commands"),
        (["check", "--fiel", "x"], "lokifi: no such option '--fiel'"),
        (["restart"], "lokifi: missing argument"),
        (["scale", "web"], "lokifi: 'web' says no number of copies — write NAME=N, as in backend=3"),
        (["logs", "--since", "yesterday"], "lokifi: 'yesterday' is no time — write 30s"),
        (["logs", "--grep", "("], "lokifi: '(' is no regular expression"),
        (["render", "helmet"], "lokifi: there is no target 'helmet' — "),
        (["explain", "stores.postgres.memroy"], "lokifi: there is no 'memroy' in stores.postgres — did you mean 'memory'?"),
        (
            ["check", "-e", "produktion"],
            "lokifi: there is no environment 'produktion' in lokifi.yaml — did you mean 'production'?",
        ),
        (["restart", "wbe"], "lokifi: there is no part 'wbe' — did you mean 'web'?"),
        (["down", "--purge"], "lokifi: --purge deletes data and cannot ask here — add --yes if you mean it"),
        (["open", "postgres"], "lokifi: 'postgres' has no page to open — "),
    ],
)
def test_a_wrong_argument_is_one_line_with_a_way_out(arguments: list[str], said: str, project: Path) -> None:
    ended = lokifi(*arguments, cwd=project)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(said)
    assert ended.stderr.count("\n") == 1
    assert not (project / ".lokifi").exists()
