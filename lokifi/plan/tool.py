"""A program that a stack needs, as it was found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that a stack needs; `missing` and `command` are empty when it was found, the fields before them when not."""

    name: str
    wanted: str
    version: str = ""
    source: str = ""
    path: str = ""
    missing: str = ""
    command: str = ""
