"""`lokifi completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from lokifi.cli.commands import COMPLETING
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.kit.errors import UsageError


@define(
    "completion",
    [
        ("completion bash >> ~/.bashrc", "bash, from the next shell on"),
        ("completion zsh > ~/.zfunc/_lokifi", "zsh, with ~/.zfunc in $fpath"),
        ("completion fish > ~/.config/fish/completions/lokifi.fish", "fish"),
    ],
    project=False,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(call: Call, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, parts, environments and targets."""
    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"no completion for {shell} is known", hint="bash, zsh and fish have one")
    made = found(click.Group("lokifi"), {}, "lokifi", COMPLETING)
    call.out.line(made.source_template % made.source_vars())
