"""The rows `lokifi doctor` shows: what is wanted, what is there, from where, what to do about the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lokifi.plan.tool import Tool
from lokifi.runtimes.local.programs.apt import Apt
from lokifi.runtimes.local.programs.find import find_all
from lokifi.runtimes.local.programs.needs import Need, Program
from lokifi.runtimes.local.programs.recipes import recipe
from lokifi.runtimes.local.programs.wheels import unsuited

SETUP = "lokifi setup"


def summary(needs: Sequence[Need], prefix: Path, search: Sequence[Path]) -> list[Tool]:
    """A line for each of `needs`, in their order. Errors as `find`."""
    rows = []
    for need, answer in zip(needs, find_all(needs, prefix, search), strict=True):
        if isinstance(answer, Program):
            row = Tool(need.name, need.wanted, answer.version, answer.source, str(answer.path))
        else:
            row = Tool(need.name, need.wanted, missing=answer.reason, command=_way_out(need))
        rows.append(row)
    return rows


def _way_out(need: Need) -> str:
    known = recipe(need.name)
    by_apt = bool(known.packages) and Apt.available()
    by_wheel = known.wheel is not None and not unsuited(need, known.wheel)
    return SETUP if by_apt or by_wheel else known.otherwise
