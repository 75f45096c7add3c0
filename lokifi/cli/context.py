"""What every command is given: which file, which environment, where to print."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

from lokifi.cli.locate import find
from lokifi.report.screen import Screen


class Screens(NamedTuple):
    """Standard output and standard error."""

    out: Screen
    err: Screen


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command. `json` is false where the command has no such option."""

    file: Path
    environment: str | None
    json: bool
    out: Screen
    err: Screen
    variables: Mapping[str, str]


def call_of(context: click.Context, file: object, environment: object, json: bool) -> Call:
    """The call with the values of the shared options; raises `UsageError` when this folder is gone."""
    screens = context.find_object(Screens)
    if screens is None:
        raise TypeError("the group was called without screens")
    chosen = environment if isinstance(environment, str) else None
    return Call(find(file if isinstance(file, Path) else None), chosen, json, screens.out, screens.err, os.environ)
