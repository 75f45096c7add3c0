"""Words a shell may complete: read from the file without validating it, and never an error."""

from __future__ import annotations

from pathlib import Path

import click

from lokifi.cli.locate import FILE_NAME, find
from lokifi.kit.errors import LokifiError
from lokifi.kit.yaml import MAX_BYTES, Mapping, Node, parse

DEFAULT_ENVIRONMENT = "development"


def environments(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The environments of the file."""
    return _starting(begun, list(_below(_file(context), "environments")) or [DEFAULT_ENVIRONMENT])


def parts(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Services, stores and the parts that lokifi adds."""
    document = _file(context)
    return _starting(begun, [*_below(document, "services"), *_below(document, "stores"), "edge", "prometheus"])


def scales(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Services, each with its `=`."""
    return _starting(begun, [f"{name}=" for name in _below(_file(context), "services")])


def paths(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The keys below what was begun: `services.` gives `services.backend`."""
    stem = begun.rpartition(".")[0]
    node: Node | None = _file(context)
    for step in stem.split(".") if stem else []:
        node = node.items.get(step) if isinstance(node, Mapping) else None
    prefix = f"{stem}." if stem else ""
    return _starting(begun, [f"{prefix}{key}" for key in (node.items if isinstance(node, Mapping) else {})])


def _file(context: click.Context) -> Node | None:
    chosen = context.params.get("file")
    try:
        with find(chosen if isinstance(chosen, Path) else None).open("rb") as stream:
            return parse(stream.read(MAX_BYTES + 1), FILE_NAME)
    except (LokifiError, OSError):
        return None


def _below(node: Node | None, key: str) -> dict[str, Node]:
    section = node.items.get(key) if isinstance(node, Mapping) else None
    return section.items if isinstance(section, Mapping) else {}


def _starting(begun: str, words: list[str]) -> list[str]:
    return [word for word in words if word.startswith(begun)]
