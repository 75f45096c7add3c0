"""Platform + environment + layout → Stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lokifi.kit.errors import UsageError
from lokifi.model.load import Project
from lokifi.model.platform import Platform
from lokifi.model.problems import nearest
from lokifi.model.references import needs_of
from lokifi.plan.layout import Layout
from lokifi.plan.parts import nginx, postgres, prometheus, redis, service
from lokifi.plan.stack import Job, Part, Stack, Words


def copies_of(platform: Platform, scaled: Mapping[str, int]) -> dict[str, int]:
    """How many copies of each service run: what `lokifi scale` asked for, within the file's bounds, else its initial."""
    return {
        name: min(max(scaled.get(name, each.scale.initial), each.scale.min), each.scale.max)
        for name, each in platform.services.items()
        if each.run
    }


def check_scale(platform: Platform, wanted: Mapping[str, int]) -> None:
    """Raises `UsageError` for a service that is not there, is static, or is asked outside its bounds."""
    for name, count in wanted.items():
        found = platform.services.get(name)
        if found is None or not found.run:
            known = [key for key, each in platform.services.items() if each.run]
            raise UsageError(f"there is no service {name!r} to scale", hint=nearest(name, known))
        if not found.scale.min <= count <= found.scale.max:
            raise UsageError(
                f"{name} may have {found.scale.min} to {found.scale.max} copies, not {count}",
                hint=f"change services.{name}.scale in the file",
            )


def names_of(platform: Platform, copies: Mapping[str, int]) -> dict[str, list[str]]:
    """The part names of each service."""
    return {
        name: [service.copy_name(name, number, platform.services[name].scale.max) for number in range(1, count + 1)]
        for name, count in copies.items()
    }


def ports_of(platform: Platform, copies: Mapping[str, int]) -> list[str]:
    """Every `part.port` that needs a number, the edge's first."""
    ports = ["edge.http", "edge.status"]
    if platform.stores.postgres:
        ports.append("postgres.http")
    if platform.stores.redis:
        ports.append("redis.http")
    if platform.observability.metrics != "off":
        ports.append("prometheus.http")
    for name, copies_names in names_of(platform, copies).items():
        if platform.services[name].listens:
            ports += [f"{copy}.http" for copy in copies_names]
    return ports


def known(stack: Stack, names: Sequence[str]) -> list[str]:
    """The parts that `names` mean, each a part or a whole service. Raises `UsageError` for a name of neither."""
    found: list[str] = []
    for name in names:
        parts = [part.name for part in stack.group(name)]
        if not parts:
            raise UsageError(f"there is no part {name!r}", hint=nearest(name, list(stack.parts)))
        found += parts
    return list(dict.fromkeys(found))


def resolve(project: Project, layout: Layout, copies: Mapping[str, int]) -> Stack:
    """The stack of a project that `load` found right; pure."""
    platform = project.platform
    names = names_of(platform, copies)
    known = _known(project, layout, names)
    needs = needs_of(platform)
    parts: list[Part] = [nginx.part(platform.edge, layout, platform.domain)]
    jobs: dict[str, Job] = {}
    secrets = dict(platform.secrets)
    if platform.stores.postgres:
        parts.append(postgres.part(platform.stores.postgres, layout, platform.platform))
        jobs |= {job.name: job for job in postgres.jobs(platform.stores.postgres, layout, platform.platform)}
        secrets[postgres.PASSWORD] = "generated"
    if platform.stores.redis:
        parts.append(redis.part(platform.stores.redis, layout))
        secrets[redis.PASSWORD] = "generated"
    for name, each in platform.services.items():
        toolchain = project.toolchains[name]
        for job in service.jobs(name, each, layout, known, needs[name], toolchain):
            jobs[job.name] = job
        for copy in names.get(name, []):
            parts.append(service.part(name, each, copy, layout, known, needs[name], toolchain))
    if platform.observability.metrics != "off":
        parts.append(prometheus.part(platform.observability.metrics, layout))
    statics = {name: layout.static(name) for name, each in platform.services.items() if each.static}
    return Stack(platform, project.environment, {part.name: part for part in parts}, jobs, statics, secrets)


def _known(project: Project, layout: Layout, names: Mapping[str, list[str]]) -> dict[str, dict[str, Words]]:
    platform = project.platform
    known: dict[str, dict[str, Words]] = {
        "platform": {
            "name": (platform.platform,),
            "domain": (platform.domain,),
            "environment": (project.environment,),
        }
    }
    if platform.stores.postgres:
        known["postgres"] = postgres.fields(layout, platform.platform)
    if platform.stores.redis:
        known["redis"] = redis.fields(layout)
    for name, copies in names.items():
        if platform.services[name].listens:
            known[name] = service.fields(name, copies[0], layout)
    return known
