"""`${part.field}`: what a service's environment may refer to, and the order that makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from lokifi.kit.errors import FileError
from lokifi.kit.yaml import Node
from lokifi.model.grammar import RELEASE
from lokifi.model.platform import Platform
from lokifi.model.problems import nearest, problem

FIELDS = {
    "postgres": ("url", "host", "port", "user", "database"),
    "redis": ("url", "host", "port"),
    "service": ("url", "host", "port"),
    "platform": ("name", "domain", "environment"),
}
_OPEN = re.compile(r"\$\$|\$\{[^}]*(?P<open>\Z)?")
_REFERENCE = re.compile(r"\$\$|\$\{([^}]*)\}?")


def split(value: str) -> Iterator[str | tuple[str, str]]:
    """A value as plain text and `(part, field)` references; `$$` is a dollar sign. Nothing is expanded twice."""
    end = 0
    for found in _REFERENCE.finditer(value):
        if found.start() > end:
            yield value[end : found.start()]
        end = found.end()
        if found.group() == "$$":
            yield "$"
            continue
        part, _, name = (found.group(1) or "").partition(".")
        yield (part, name)
    if end < len(value):
        yield value[end:]


def fields_of(platform: Platform) -> dict[str, tuple[str, ...]]:
    """The parts of this platform that can be referred to, with their fields."""
    known = {"platform": FIELDS["platform"]}
    if platform.stores.postgres:
        known["postgres"] = FIELDS["postgres"]
    if platform.stores.redis:
        known["redis"] = FIELDS["redis"]
    known |= {name: FIELDS["service"] for name, service in platform.services.items() if service.listens}
    return known


def release_of(name: str) -> str:
    """The job that releases a service."""
    return f"release-{name}"


def _job(other: str) -> str:
    name, release, _ = other.partition(f".{RELEASE}")
    return release_of(name) if release else other


def needs_of(platform: Platform) -> dict[str, set[str]]:
    """For each service the parts that must be ready, and the jobs that must be done, before it: by reference and `after`."""
    needs: dict[str, set[str]] = {}
    for name, service in platform.services.items():
        found = {piece[0] for value in service.env.values() for piece in split(value) if not isinstance(piece, str)}
        needs[name] = (found - {"platform", name}) | {_job(other) for other in service.after}
    return needs


def check(platform: Platform, root: Node, lost: frozenset[str] = frozenset()) -> list[FileError]:
    """Unknown references, unknown `after`, undefined secrets and cycles, each at its place.

    `lost` are names that stand in the file but are wrong themselves: whether they are referred to rightly is not said.
    """
    problems: list[FileError] = []
    known = fields_of(platform)
    parts = [*platform.services, *(f"{name}.{RELEASE}" for name, service in platform.services.items() if service.release)]
    parts += [*(store for store in ("postgres", "redis") if store in known)]
    for name, service in platform.services.items():
        base = ("services", name)
        for variable, value in service.env.items():
            if any(found["open"] is not None for found in _OPEN.finditer(value)):
                hint = "close it, or write '$$' for a dollar sign"
                problems.append(problem(root, (*base, "env", variable), "has a '${' without its '}'", hint))
                continue
            for piece in split(value):
                if isinstance(piece, str) or piece[0] in lost:
                    continue
                if wrong := _unknown(piece, known, platform):
                    problems.append(problem(root, (*base, "env", variable), *wrong))
        for index, other in enumerate(service.after):
            if other not in parts and other.partition(".")[0] not in lost:
                problems.append(problem(root, (*base, "after", index), f"there is no part {other!r}", nearest(other, parts)))
        for index, secret in enumerate(service.secrets):
            if secret not in platform.secrets and secret not in lost:
                hint = f"add it under secrets, as in '{secret}: generated'"
                problems.append(problem(root, (*base, "secrets", index), f"the secret {secret!r} is not defined", hint))
    return problems or ([] if lost else _clashes(platform, root) or _cycles(platform, root))


def _clashes(platform: Platform, root: Node) -> list[FileError]:
    """Services whose name is that of another one's copy or job: both are found by name."""
    made: dict[str, str] = {"postgres-init": "the making of the database"} if platform.stores.postgres else {}
    for name, service in platform.services.items():
        copies = service.scale.max if service.run else 1
        made |= {f"{name}-{number}": f"a copy of {name!r}" for number in range(1, copies + 1) if copies > 1}
        made |= {f"{kind}-{name}": f"the {kind} of {name!r}" for kind in ("build", "release") if getattr(service, kind)}
    problems = []
    for name in platform.services:
        taken = made.get(name) or ("an installation" if name.startswith("install-") else "")
        if taken:
            sentence = f"is also the name of {taken}"
            problems.append(problem(root, ("services", name), sentence, "choose another name", key=True))
    return problems


def _unknown(piece: tuple[str, str], known: dict[str, tuple[str, ...]], platform: Platform) -> tuple[str, str] | None:
    part, name = piece
    if part in platform.services and part not in known:
        return f"{part!r} listens on no port", "put $PORT into its 'run', or give it a route, a probe or metrics"
    if part not in known:
        store = "; it is not among the stores" if part in FIELDS and part != "service" else ""
        return f"'${{{part}{'.' + name if name else ''}}}' refers to no part{store}", nearest(part, list(known))
    if name not in known[part]:
        return f"{part!r} has no {name!r}", nearest(name, known[part])
    return None


def _cycles(platform: Platform, root: Node) -> list[FileError]:
    try:
        needs = needs_of(platform)
        releases = {release_of(name): needs[name] for name, service in platform.services.items() if service.release}
        TopologicalSorter({**needs, **releases}).prepare()
    except CycleError as error:
        ring = list(error.args[1])
        where = next(name for name in ring if name in platform.services)
        sentence = f"needs itself through {' → '.join(reversed(ring))}"
        return [problem(root, ("services", where), sentence, "remove one of these references", key=True)]
    return []
