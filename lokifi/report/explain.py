"""The value tree as YAML-like text, with the origin of each value beside it in a muted column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lokifi.model.explain import DEFAULT, Value
from lokifi.model.problems import dotted
from lokifi.report.safe import safe
from lokifi.report.screen import Screen

# Plain scalars of YAML 1.2.2 §7.3.3, and fewer: no indicator in front, no ': ' or ' #', nothing a flow list ends at.
_PLAIN = re.compile(r"(?![\d.+-]+(e[+-]?\d+)?\Z)[A-Za-z0-9/$.](?:[^\s,\[\]\"'#:]|:(?=[^\s])| (?=[^#\s]))*\Z", re.IGNORECASE)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "~"})
_NARROWEST = 24


def text(screen: Screen, value: Value) -> None:
    """The tree; for one path its description first."""
    if value.path:
        description = f"  {screen.paint(safe(value.description), 'dim')}" if value.description else ""
        screen.line(f"{screen.paint(dotted(value.path), 'bold')}{description}")
    rows = list(_rows(value, 0, top=True))
    widest = max(len(key) + len(said) for key, said, _ in rows)
    width = min(widest, max(screen.width - max(len(origin) for _, _, origin in rows) - 2, _NARROWEST))
    for key, said, origin in rows:
        gap = " " * max(width - len(key) - len(said), 0)
        shown = screen.paint(said, "dim" if origin == DEFAULT else "cyan")
        screen.line(f"{key}{shown}{gap}  {screen.paint(origin, 'dim')}" if origin else key)


def as_json(environment: str, value: Value) -> dict[str, object]:
    """`value` as it is, and the origin of each leaf by its path."""
    return {
        "environment": environment,
        "path": dotted(value.path) or None,
        "description": value.description or None if value.path else None,
        "value": value.plain(),
        "origins": {dotted(leaf.path): leaf.origin for leaf in value.leaves()},
    }


def _rows(value: Value, depth: int, *, top: bool = False) -> Iterator[tuple[str, str, str]]:
    """Key with its indentation, value, origin; the origin of a mapping is that of its values."""
    indent = "  " * depth
    if top and value.children:
        for child in value.children:
            yield from _rows(child, depth)
        return
    key = f"{indent}{_key(value)} " if value.path else ""
    if value.kind == "scalar":
        yield key, _scalar(value.scalar), safe(value.origin)
    elif not value.children:
        yield key, "[]" if value.kind == "list" else "{}", safe(value.origin)
    elif _short(value):
        yield key, f"[{', '.join(_scalar(child.scalar) for child in value.children)}]", safe(value.origin)
    else:
        yield key.rstrip(), "", ""
        for child in value.children:
            yield from _rows(child, depth + 1)


def _key(value: Value) -> str:
    step = value.path[-1]
    return "-" if isinstance(step, int) else f"{safe(step)}:"


def _short(value: Value) -> bool:
    """Whether a list was written in one place, so that one line shows it."""
    return value.kind == "list" and all(child.kind == "scalar" for child in value.children)


def _scalar(scalar: str | int | float | bool | None) -> str:
    if not isinstance(scalar, str):
        return json.dumps(scalar)
    plain = _PLAIN.match(scalar) and scalar.lower() not in _WORDS
    return safe(scalar) if plain else safe(json.dumps(scalar, ensure_ascii=False))
