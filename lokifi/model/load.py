"""Reads `lokifi.yaml` for one environment; every problem of every environment at once."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Variables
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from stat import S_ISREG

from pydantic import Field, ValidationError

from lokifi.kit.errors import FileError, Problems, UsageError
from lokifi.kit.files import inside
from lokifi.kit.yaml import MAX_BYTES, MOST_PROBLEMS, Mapping, Node, Scalar, merge, parse, plain
from lokifi.model import references
from lokifi.model.grammar import Name, Section
from lokifi.model.platform import Platform
from lokifi.model.problems import nearest, problem, translate
from lokifi.model.remainder import remainder
from lokifi.model.toolchain import Toolchain, detect

FILE_NAME = "lokifi.yaml"
DEFAULT_ENVIRONMENT = "development"
MOST_ENVIRONMENTS = 10
Look = Callable[[str], tuple[str, str] | None]


@dataclass(frozen=True)
class Project:
    """A platform file that was read and found right, in one of its environments."""

    root: Path
    file: Path
    environment: str
    environments: tuple[str, ...]
    platform: Platform
    nodes: Node
    overrides: Node | None
    toolchains: dict[str, Toolchain]
    given: dict[str, str] = field(repr=False)


class _Names(Section):
    environments: dict[Name, object] = Field(default={})


def load(file: Path, environment: str | None = None, variables: Variables[str, str] | None = None) -> Project:
    """The project of `file`, in `environment` or in the file's first one.

    `variables` answers secrets that come from `env:NAME`. Raises `Problems` with all that is wrong, in any
    environment of the file, and `UsageError` when there is no such file or environment.
    """
    document = parse(_read(file), file.name)
    if not isinstance(document, Mapping):
        raise Problems([problem(document, (), "must be a mapping", "start with 'platform: NAME'")])
    names = _environments(document)
    chosen = environment or names[0]
    if chosen not in names:
        raise UsageError(f"there is no environment {chosen!r} in {file.name}", hint=nearest(chosen, names))
    look = cache(partial(_folder, file.resolve().parent))
    found: dict[tuple[str, str], FileError] = {}
    loaded: Project | None = None
    for name in names:
        project, problems = _environment(file, look, document, name, names, variables or {}, chosen == name)
        found |= {(each.place, each.sentence): each for each in problems}
        if name == chosen:
            loaded = project
        if len(found) >= MOST_PROBLEMS:
            break
    if found or loaded is None:
        raise Problems(sorted(found.values(), key=_order)[:MOST_PROBLEMS])
    return loaded


def _read(file: Path) -> bytes:
    try:
        if not S_ISREG(file.stat().st_mode):
            raise UsageError(f"{file.name} is no regular file", hint="name a platform file with --file")
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(f"there is no {file.name} here", hint="go to the project's folder, or name it with --file") from error
    except OSError as error:
        raise UsageError(f"cannot read {file.name}: {error.strerror}", hint="check its permissions") from error


def _order(error: FileError) -> tuple[int, int]:
    pieces = error.place.rsplit(":", 2)
    return (int(pieces[1]), int(pieces[2]))


def _environments(document: Mapping) -> list[str]:
    section = document.items.get("environments")
    if section is None:
        return [DEFAULT_ENVIRONMENT]
    if not isinstance(section, Mapping) or not section.items:
        raise Problems([problem(document, ("environments",), "must be a mapping", "write 'NAME: {on: local}' below it")])
    try:
        _Names.model_validate({"environments": plain(section)})
    except ValidationError as error:
        raise Problems(translate(error, document, _Names)) from error
    if len(section.items) > MOST_ENVIRONMENTS:
        sentence = f"holds {len(section.items)} environments"
        raise Problems([problem(document, ("environments",), sentence, f"at most {MOST_ENVIRONMENTS} are read")])
    return list(section.items)


def _environment(
    file: Path, look: Look, document: Mapping, name: str, names: list[str], variables: Variables[str, str], chosen: bool
) -> tuple[Project | None, list[FileError]]:
    base = Mapping(
        {key: value for key, value in document.items.items() if key != "environments"},
        {key: mark for key, mark in document.keys.items() if key != "environments"},
        document.mark,
    )
    section = document.items.get("environments")
    over = section.items.get(name) if isinstance(section, Mapping) else None
    if isinstance(over, Scalar) and over.value is None:
        over = None
    if over is not None and not isinstance(over, Mapping):
        return None, [problem(document, ("environments", name), "must be a mapping", "write what differs, as in {on: local}")]
    nodes = merge(base, over) if over else base
    try:
        platform = Platform.model_validate(plain(nodes))
    except ValidationError as error:
        left = remainder(nodes, error)
        rest = _relations(*left, nodes, look) if left else []
        return None, translate(error, nodes, Platform) + rest
    root = file.resolve().parent
    given, problems = _given(platform, nodes, root, variables) if chosen else ({}, [])
    problems += _relations(platform, frozenset(), nodes, look)
    toolchains = (
        {} if problems or not chosen else {key: detect(root / service.path) for key, service in platform.services.items()}
    )
    return Project(root, file, name, tuple(names), platform, nodes, over, toolchains, given), problems


def _relations(platform: Platform, lost: frozenset[str], nodes: Node, look: Look) -> list[FileError]:
    """What is wrong between sections; nothing is said of parts that `lost` something and so cannot be judged."""
    return references.check(platform, nodes, lost) + _folders(platform, nodes, look) + _routes(platform, nodes)


def _folders(platform: Platform, nodes: Node, look: Look) -> list[FileError]:
    found = {name: look(service.path) for name, service in platform.services.items()}
    return [problem(nodes, ("services", name, "path"), *wrong) for name, wrong in found.items() if wrong]


def _folder(root: Path, path: str) -> tuple[str, str] | None:
    """What is wrong with a service's folder, and the way out."""
    folder = inside(root, path)
    if folder is None:
        return "leads out of the project", "name a folder below the platform file, no link"
    return None if folder.is_dir() else (f"there is no folder {path!r}", "make it, or correct the path")


def _routes(platform: Platform, nodes: Node) -> list[FileError]:
    owners: dict[str, str] = {}
    problems = []
    for name, service in platform.services.items():
        for index, route in enumerate(service.routes):
            route = route.rstrip("/") or "/"
            if route in owners:
                sentence = f"{route!r} is routed to {owners[route]!r} already"
                problems.append(
                    problem(nodes, ("services", name, "routes", index), sentence, "each route leads to one service")
                )
            owners.setdefault(route, name)
    return problems


def _given(
    platform: Platform, nodes: Node, root: Path, variables: Variables[str, str]
) -> tuple[dict[str, str], list[FileError]]:
    """The values of secrets that the user supplies, each there and not blank."""
    given: dict[str, str] = {}
    problems = []
    for name, source in platform.secrets.items():
        kind, _, where = source.partition(":")
        path = ("secrets", name)
        wrong = ""
        if kind == "env":
            value, place, hint = variables.get(where, ""), f"the variable {where}", f"export {where} before you run lokifi"
            wrong = "is not there" if where not in variables else ""
        elif kind == "file":
            target = inside(root, where)
            if target is None:
                problems.append(
                    problem(nodes, path, "its file leads out of the project", "name a file below the platform file")
                )
                continue
            place, hint = f"the file {where!r}", "write the secret into it, as UTF-8"
            value, wrong = _secret_file(target)
        else:
            continue
        wrong = wrong or ("is blank" if not value.strip() else "holds a NUL character" if "\0" in value else "")
        if wrong:
            problems.append(problem(nodes, path, f"{place} {wrong}", hint))
        else:
            given[name] = value
    return given, problems


def _secret_file(target: Path) -> tuple[str, str]:
    """Its content without the last line's end, or what is wrong with it."""
    try:
        if not target.is_file():
            return "", "is no file" if target.exists() else "is not there"
        with target.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            return "", f"is longer than {MAX_BYTES:,} bytes"
        return raw.decode("utf-8").removesuffix("\n").removesuffix("\r"), ""
    except UnicodeDecodeError:
        return "", "is not UTF-8"
    except OSError as error:
        return "", f"cannot be read: {error.strerror}"
