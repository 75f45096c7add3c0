"""The group of commands on click: lazy, with suggestions, errors as lokifi's own."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from difflib import get_close_matches
from typing import cast

import click
from click.shell_completion import shell_complete

from lokifi import __version__
from lokifi.cli.commands import COMMANDS, COMPLETING, overview
from lokifi.cli.context import Screens
from lokifi.kit.errors import UsageError
from lokifi.report.screen import Screen


class Commands(click.Group):
    """Imports the module of a command when the command is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Every name, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        if name not in COMMANDS:
            return None
        return cast("click.Command", importlib.import_module(COMMANDS[name][0]).command)

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command and the rest of the arguments; raises `UsageError` with a suggestion for an unknown one."""
        name = arguments[0]
        if name not in COMMANDS and not name.startswith("-") and not context.resilient_parsing:
            close = get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else "'lokifi --help' lists all commands"
            raise UsageError(f"there is no command {name!r}", hint=hint)
        return super().resolve_command(context, arguments)

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The same text that `main` prints without click."""
        formatter.write(overview())


def run(arguments: list[str], out: Screen, err: Screen) -> int:
    """Run a command and return its exit code; raises `LokifiError`, and leaves interrupts and broken pipes to the caller."""
    if instruction := os.environ.get(COMPLETING):
        return shell_complete(application, {}, "lokifi", COMPLETING, instruction)
    try:
        with application.make_context("lokifi", list(arguments), obj=Screens(out, err)) as context:
            result = application.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "lokifi"
        message = error.format_message().rstrip(".")
        raise UsageError(message[:1].lower() + message[1:], hint=f"see '{command} --help'") from error
    except click.ClickException as error:
        raise UsageError(error.format_message()) from error
    except click.Abort as error:
        raise KeyboardInterrupt from error
    return result if isinstance(result, int) else 0


def _plain(command: Callable[..., None]) -> click.Group:
    return click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})(command)


@_plain
@click.version_option(__version__, message="lokifi %(version)s")
@click.option("--no-color", is_flag=True, expose_value=False, help="No colours.")
def application() -> None:
    """One file describes a web platform; lokifi runs it."""
