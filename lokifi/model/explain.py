"""Where every value comes from: a line of the file, one of its environments, or a default.

Pure: laid side by side are the platform with all defaults, the nodes it was read from, and the environment's own nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from lokifi.kit.errors import UsageError
from lokifi.kit.yaml import Listing, Mapping, Node, Scalar
from lokifi.model.load import Project
from lokifi.model.problems import Path, dotted, nearest

DEFAULT = "default"
HIDDEN = "(hidden)"
_STEP = re.compile(r"(?:\A|\.)(?P<key>[A-Za-z0-9_-]+)|\[(?P<index>\d{1,6})\]")
_SENSITIVE = re.compile(r"PASSW|SECRET|TOKEN|CREDENTIAL|(API|PRIVATE|ACCESS|ENCRYPTION|SIGNING)_?KEY", re.IGNORECASE)
_REFERENCE = re.compile(r"(\$\{[^}]*\})*\Z")
_USERINFO = re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)")


@dataclass(frozen=True, slots=True)
class Value:
    """One value with all below it. `scalar` is None for a mapping, a list or nothing."""

    path: Path
    kind: str
    origin: str
    description: str = ""
    scalar: str | int | float | bool | None = None
    children: tuple[Value, ...] = ()

    def leaves(self) -> Iterator[Value]:
        """All values that hold no others."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def plain(self) -> object:
        """The value as ordinary Python values."""
        if self.kind == "mapping":
            return {str(child.path[-1]): child.plain() for child in self.children}
        if self.kind == "list":
            return [child.plain() for child in self.children]
        return self.scalar


def explain(project: Project, path: str = "") -> Value:
    """The value at `path` (`services.backend.routes[0]`; empty for all); raises `UsageError` when there is none."""
    value = _Tree(project).value(project.platform, project.nodes, project.overrides, (), "its description of a platform", "")
    for step in _steps(path):
        below = {child.path[-1]: child for child in value.children}
        if step not in below:
            place = dotted(value.path) or project.file.name
            keys = [str(key) for key in below]
            hint = nearest(str(step), keys) if keys else "nothing is below it"
            raise UsageError(f"there is no {dotted((step,))!r} in {place}", hint=hint)
        value = below[step]
    return value


def _steps(path: str) -> Path:
    steps: list[str | int] = []
    end = 0
    for found in _STEP.finditer(path):
        if found.start() != end:
            break
        steps.append(found["key"] if found["index"] is None else int(found["index"]))
        end = found.end()
    if end != len(path):
        raise UsageError(f"{path[:80]!r} is no path", hint="write keys with dots, as in services.backend.scale")
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class _Tree:
    project: Project

    def value(self, here: object, node: Node | None, over: Node | None, path: Path, about: str, origin: str) -> Value:
        """`here` at `path`, which `node` of the file wrote, `over` if that was in the environment, else `origin`."""
        origin = self.origin(node, over) or origin or DEFAULT
        below = self.below(here)
        if below is None:
            return Value(path, "scalar", origin, about, self.shown(here, path))
        # A short form (`scale: 3`) wrote all that it stands for.
        inherited = origin if isinstance(node, Scalar) else ""
        children = tuple(
            self.value(child, _under(node, step), _under(over, step), (*path, step), text, inherited)
            for step, child, text in below
        )
        return Value(path, "list" if isinstance(here, list) else "mapping", origin, about, None, children)

    def below(self, here: object) -> list[tuple[str | int, object, str]] | None:
        if isinstance(here, BaseModel):
            fields = type(here).model_fields
            return [(name, getattr(here, name), field.description or "") for name, field in fields.items()]
        if isinstance(here, dict):
            return [(str(key), child, _about(child)) for key, child in here.items()]
        if isinstance(here, list):
            return [(index, child, "") for index, child in enumerate(here)]
        return None

    def origin(self, node: Node | None, over: Node | None) -> str:
        environment = f"environments.{self.project.environment}"
        if over is not None and isinstance(over, Scalar) and over.value is None:
            return f"{DEFAULT}, {environment} removed it"
        if node is None:
            return ""
        if over is not None and over.mark == node.mark:
            return f"{node.mark} in {environment}"
        return str(node.mark)

    def shown(self, here: object, path: Path) -> str | int | float | bool | None:
        """A value as it may be seen: no value of a secret, nor what looks like one."""
        if not isinstance(here, str):
            return here if isinstance(here, bool | int | float) else None
        if len(path) > 1 and path[-2] == "env":
            if _SENSITIVE.search(str(path[-1])) and not _REFERENCE.match(here):
                return HIDDEN
            here = _USERINFO.sub(HIDDEN, here)
        for secret in self.project.given.values():
            here = here.replace(secret, HIDDEN) if len(secret) >= 4 else here
        return here


def _under(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, Mapping):
        return node.items.get(str(step))
    if isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def _about(here: object) -> str:
    return (type(here).__doc__ or "").split("\n")[0] if isinstance(here, BaseModel) else ""
