"""A platform resolved: every address known, every reference in its place, every order said."""

from __future__ import annotations

from pathlib import Path

import pytest

from lokifi.kit.errors import Problems, UsageError
from lokifi.plan.resolve import check_scale, copies_of, names_of
from lokifi.plan.stack import Address, Check, SecretRef, Stack, digest
from tests.plan.shop import TEXT, stack_of


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_of(tmp_path_factory.mktemp("shop"))


def at(port: int) -> Address:
    return Address("127.0.0.1", port)


def test_parts_jobs_and_secrets(stack: Stack) -> None:
    assert list(stack.parts) == ["edge", "postgres", "redis", "api-1", "api-2", "worker", "prometheus"]
    assert list(stack.jobs) == ["postgres-init", "install-api", "release-api", "install-web", "build-web"]
    assert stack.statics == {"web": "/srv/.lokifi/development/static/web"}
    assert stack.secrets == {"KEY": "generated", "postgres-password": "generated", "redis-password": "generated"}


def test_ports_count_up_from_the_edge(stack: Stack) -> None:
    ports = {f"{part.name}.{name}": str(address) for part in stack.parts.values() for name, address in part.ports.items()}
    assert ports == {
        "edge.http": "127.0.0.1:8080",
        "edge.status": "127.0.0.1:8081",
        "postgres.http": "127.0.0.1:8082",
        "redis.http": "127.0.0.1:8083",
        "prometheus.http": "127.0.0.1:8084",
        "api-1.http": "127.0.0.1:8085",
        "api-2.http": "127.0.0.1:8086",
    }


def test_a_service(stack: Stack) -> None:
    part = stack.parts["api-2"]
    assert (part.name, part.group, part.kind, part.folder) == ("api-2", "api", "service", "/srv/api")
    assert part.argv == ("serve", "--bind", "127.0.0.1:8086", "--price", "$1")
    assert part.env == {
        "DATABASE_URL": ("postgresql://my_shop:", SecretRef("postgres-password", "url"), "@127.0.0.1:8082/my_shop"),
        "CACHE": ("redis://app:", SecretRef("redis-password", "url"), "@127.0.0.1:8083/0"),
        "ABOUT": ("my-shop", "/", "development", " ", "$"),
        "KEY": (SecretRef("KEY"),),
        "HOST": ("127.0.0.1",),
        "PORT": ("8086",),
    }
    assert part.needs == ("postgres", "redis", "install-api", "release-api")
    ready, live = Check("http", at(8086), "/ready"), Check("http", at(8086), "/live")
    health = part.health
    assert (health.startup, health.ready, health.live) == (ready, ready, live)
    assert (health.period, health.timeout, health.failures) == (0.5, 2.0, 5)
    assert (part.grace, part.metrics, part.reload) == (20.0, "/metrics", "")


def test_a_worker_has_no_port_and_its_life_is_its_health(stack: Stack) -> None:
    part = stack.parts["worker"]
    assert (part.argv, part.ports) == (("python", "-m", "work"), {})
    assert part.env == {"API": ("http://127.0.0.1:8085",)}
    assert part.needs == ("api", "redis", "install-api")
    assert (part.health.startup, part.health.ready, part.health.live) == (None, None, None)


def test_an_open_port_stands_in_for_a_path(tmp_path: Path) -> None:
    text = "platform: shop\nservices: {api: {path: api, run: serve $PORT}}"
    part = stack_of(tmp_path, text).parts["api"]
    port = Check("tcp", part.ports["http"])
    assert (part.health.startup, part.health.ready, part.health.live) == (port, port, None)


def test_the_edge_and_the_stores(stack: Stack) -> None:
    edge, postgres, redis = stack.parts["edge"], stack.parts["postgres"], stack.parts["redis"]
    assert (edge.url, edge.reload, edge.stop, edge.needs) == ("http://shop.localhost:8080/", "HUP", "QUIT", ())
    assert (postgres.needs, postgres.minimum, postgres.reload) == (("postgres-init",), (16,), "")
    assert (redis.needs, redis.minimum, redis.configs) == ((), (7, 0), ("redis/redis.conf", "redis/users.acl"))


def test_jobs(stack: Stack) -> None:
    install, release, build = stack.jobs["install-api"], stack.jobs["release-api"], stack.jobs["build-web"]
    assert (install.kind, install.inputs, install.toolchain, install.needs) == (
        "install",
        ("api/requirements.txt",),
        "python",
        (),
    )
    assert (release.kind, release.inputs, release.needs) == ("release", ("api",), ("install-api", "postgres", "redis"))
    assert release.commands[0].argv == ("python", "-m", "migrate")
    assert (build.kind, build.inputs, build.needs, build.output) == ("build", ("web",), ("install-web",), "/srv/web/dist")
    assert stack.jobs["install-web"].inputs == ("web/package-lock.json",)


def test_no_secret_stands_in_an_argument(stack: Stack) -> None:
    commands = [command for job in stack.jobs.values() for command in job.commands]
    assert all(isinstance(word, str) for part in stack.parts.values() for word in part.argv)
    assert all(isinstance(word, str) for command in commands for word in command.argv)


def test_what_is_switched_off_is_not_there(tmp_path: Path) -> None:
    bare = stack_of(tmp_path, "platform: shop\nobservability: {metrics: off}\n")
    assert (list(bare.parts), list(bare.jobs), bare.secrets) == (["edge"], [], {})


def test_two_folders_never_share_an_installation(tmp_path: Path) -> None:
    for folder in ("a/b", "a-b", "A/b", "a b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "requirements.txt").touch()
    services = {"one": "a/b", "two": "a-b", "three": "A/b", "four": "a b", "five": "a/b/"}
    text = "platform: shop\nservices:\n" + "".join(f"  {n}: {{path: {p}, run: x}}\n" for n, p in services.items())
    stack = stack_of(tmp_path, text)
    used = {name: stack.parts[name].needs[0] for name in services}
    assert used["one"] == used["five"] == "install-a-b"
    assert len(set(used.values())) == 4
    assert {stack.jobs[job].folder for job in used.values()} == {f"/srv/{p}" for p in ("a/b", "a-b", "A/b", "a b")}


@pytest.mark.parametrize(("asked", "count"), [({}, 2), ({"api": 3}, 3), ({"api": 99}, 4), ({"api": 0}, 2)])
def test_copies_stay_within_the_bounds_of_the_file(tmp_path: Path, asked: dict[str, int], count: int) -> None:
    platform = stack_of(tmp_path).platform
    copies = copies_of(platform, asked)
    assert copies == {"api": count, "worker": 1}
    assert names_of(platform, copies) == {"api": [f"api-{n}" for n in range(1, count + 1)], "worker": ["worker"]}


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"apy": 2}, "there is no service 'apy' to scale — did you mean 'api'?"),
        ({"web": 2}, "there is no service 'web' to scale — known: api, worker"),
        ({"redis": 2}, "there is no service 'redis' to scale — known: api, worker"),
        ({"api": 5}, "api may have 2 to 4 copies, not 5 — change services.api.scale in the file"),
        ({"worker": 0}, "worker may have 1 to 1 copies, not 0 — change services.worker.scale in the file"),
    ],
)
def test_a_wrong_scale_is_refused(tmp_path: Path, asked: dict[str, int], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_scale(stack_of(tmp_path).platform, asked)
    assert str(caught.value) == line


def test_the_same_file_is_the_same_stack(tmp_path: Path, stack: Stack) -> None:
    again = stack_of(tmp_path)
    assert again == stack
    assert [digest(part) for part in again.parts.values()] == [digest(part) for part in stack.parts.values()]


def test_names_that_would_collide_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="is also the name of a copy of 'api'"):
        stack_of(tmp_path, TEXT.replace("  worker:", "  api-2:"))
