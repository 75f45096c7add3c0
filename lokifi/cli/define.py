"""How a command is defined: shared options, and a help that ends with examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

import click

from lokifi.cli.complete import environments
from lokifi.cli.context import call_of
from lokifi.cli.locate import FILE_NAME


class Command(click.Command):
    """A command whose help ends with examples."""

    examples: Sequence[tuple[str, str]] = ()

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples: what to type, and what it does."""
        with formatter.section("Examples"):
            formatter.write_dl([(f"lokifi {line}", about) for line, about in self.examples], col_max=52)


def define(
    name: str, examples: Sequence[tuple[str, str]], *, json: bool = False, project: bool = True
) -> Callable[[Callable[..., int | None]], Command]:
    """Make a function, whose first argument is a `Call`, a command with the options that all share.

    `json` adds --json; without `project` there is no file to choose.
    """

    def made(function: Callable[..., int | None]) -> Command:
        @wraps(function)
        @click.pass_context
        def run(context: click.Context, /, **values: object) -> int | None:
            file, environment = values.pop("file", None), values.pop("environment", None)
            return function(call_of(context, file, environment, bool(values.pop("json", False))), **values)

        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
        built = click.command(name, cls=Command, context_settings=settings)(run)
        built.params += _shared(json, project)
        built.examples = examples
        return built

    return made


def _shared(json: bool, project: bool) -> list[click.Parameter]:
    file = click.Option(
        ["--file", "-f"],
        metavar="FILE",
        type=click.Path(path_type=Path),
        is_eager=True,  # so that completion knows it, wherever it stands
        help=f"The platform file; else {FILE_NAME} here or in the nearest folder above.",
    )
    environment = click.Option(
        ["--env", "-e", "environment"],
        metavar="NAME",
        shell_complete=environments,
        help="The environment; else the first of the file.",
    )
    as_json = click.Option(["--json"], is_flag=True, help="Print JSON.")
    no_color = click.Option(["--no-color"], is_flag=True, expose_value=False, help="No colours.")
    return [*([file, environment] if project else []), *([as_json] if json else []), no_color]
