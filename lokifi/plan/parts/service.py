"""Services and workers: their processes, and the jobs that install, build and release them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lokifi.model.grammar import seconds_of, words_of
from lokifi.model.references import split
from lokifi.model.service import Service
from lokifi.model.toolchain import Toolchain
from lokifi.plan.layout import Layout
from lokifi.plan.stack import Check, Command, Health, Job, Part, SecretRef, Words, digest

Fields = Mapping[str, Mapping[str, Words]]


def copy_name(name: str, number: int, copies: int) -> str:
    """`backend-2`; a service that can only ever have one copy bears its plain name."""
    return f"{name}-{number}" if copies > 1 else name


def fields(name: str, first: str, layout: Layout) -> dict[str, Words]:
    """What `${backend.…}` stands for: the service's first copy."""
    address = layout.address(first)
    return {"url": (f"http://{address}",), "host": (address.host,), "port": (str(address.port),)}


def install_name(service: Service) -> str:
    """The install job that all services of one folder share; two folders never have the same."""
    slug = re.sub(r"[^a-z0-9]", "-", service.path.lower())
    exact = slug.replace("-", "/") == service.path
    return f"install-{slug}" if exact else f"install-{slug}-{digest(service.path)[:8]}"


def part(name: str, service: Service, copy: str, layout: Layout, known: Fields, needs: set[str], toolchain: Toolchain) -> Part:
    """One copy of a service."""
    listens = service.listens
    values, ports = {"HOST": "127.0.0.1", "PORT": ""}, {}
    env = environment(service, known)
    if listens:
        listen = layout.listen(copy)
        ports["http"] = listen
        values = {"HOST": listen.host, "PORT": str(listen.port)}
        env |= {key: (value,) for key, value in values.items()}
    jobs = [install_name(service)] if toolchain.kind != "none" else []
    jobs += [f"build-{name}"] if service.build else []
    jobs += [f"release-{name}"] if service.release else []
    return Part(
        name=copy,
        group=name,
        kind="service",
        argv=words_of(service.run or "", values),
        folder=layout.source(service.path),
        env=env,
        ports=ports,
        health=health(service, copy, layout),
        needs=tuple(sorted(needs)) + tuple(jobs),
        grace=seconds_of(service.grace),
        metrics=service.metrics or "",
    )


def environment(service: Service, known: Fields) -> dict[str, Words]:
    """A service's variables with references and secrets in their places."""
    env: dict[str, Words] = {}
    for variable, value in service.env.items():
        words: list[str | SecretRef] = []
        for piece in split(value):
            words += [piece] if isinstance(piece, str) else known[piece[0]][piece[1]]
        env[variable] = tuple(words)
    return env | {name: (SecretRef(name),) for name in service.secrets}


def health(service: Service, copy: str, layout: Layout) -> Health:
    """The probes of a service; its open port stands in for a path that is not given."""
    probes = service.probes
    timing = Health(
        period=seconds_of(probes.period), timeout=seconds_of(probes.timeout), failures=probes.failures, startup_timeout=60.0
    )
    if not service.listens:
        return timing
    address = layout.address(copy)
    port = Check("tcp", address)
    ready = Check("http", address, probes.ready) if probes.ready else None
    live = Check("http", address, probes.live) if probes.live else None
    startup = Check("http", address, probes.startup) if probes.startup else ready or live or port
    return Health(startup, ready or live or port, live, timing.period, timing.timeout, timing.failures, 60.0)


def jobs(name: str, service: Service, layout: Layout, known: Fields, needs: set[str], toolchain: Toolchain) -> list[Job]:
    """Install by the folder's list of dependencies, build, and release before traffic."""
    folder, found = layout.source(service.path), []
    install = (install_name(service),) if toolchain.kind != "none" else ()
    if install:
        manifest = f"{service.path}/{toolchain.manifest}"
        minimum = (20,) if toolchain.kind == "node" else (3, 11)
        found.append(Job(install[0], "install", (), folder, inputs=(manifest,), toolchain=toolchain.kind, minimum=minimum))
    if service.build:
        found.append(
            Job(
                f"build-{name}",
                "build",
                (Command(words_of(service.build, {})),),
                folder,
                env=environment(service, known),
                inputs=(service.path,),
                needs=install,
                output=f"{folder}/{service.static}" if service.static else "",
                toolchain=toolchain.kind,
            )
        )
    if service.release:
        found.append(
            Job(
                f"release-{name}",
                "release",
                (Command(words_of(service.release, {})),),
                folder,
                env=environment(service, known),
                inputs=(service.path,),
                needs=install + ((f"build-{name}",) if service.build else ()) + tuple(sorted(needs)),
                toolchain=toolchain.kind,
            )
        )
    return found
