from __future__ import annotations

from pathlib import Path

import pytest

from lokifi.kit.errors import UsageError
from lokifi.model.explain import HIDDEN, explain
from lokifi.model.load import Project, load

FILE = Path(__file__).parent.parent / "report" / "platform" / "lokifi.yaml"


def project(environment: str = "production", **variables: str) -> Project:
    return load(FILE, environment, variables)


@pytest.mark.parametrize(
    ("environment", "path", "shown", "origin"),
    [
        ("development", "platform", "shop", "lokifi.yaml:1:11"),
        ("development", "domain", "localhost", "default"),
        ("production", "domain", "shop.example", "lokifi.yaml:19:13 in environments.production"),
        ("development", "services.web.routes[1]", "/api", "lokifi.yaml:6:17"),
        ("development", "services.web.scale.max", 3, "lokifi.yaml:7:12"),
        ("production", "services.web.scale.max", 4, "lokifi.yaml:20:43 in environments.production"),
        ("production", "services.web.scale.initial", 2, "default"),
        ("production", "stores.postgres.version", 16, "lokifi.yaml:14:23"),
        ("production", "stores.postgres.memory", "1Gi", "lokifi.yaml:21:33 in environments.production"),
        ("production", "stores.redis", None, "default, environments.production removed it"),
        ("development", "stores.redis.eviction", "allkeys-lru", "default"),
    ],
)
def test_a_value_and_where_it_comes_from(environment: str, path: str, shown: object, origin: str) -> None:
    value = explain(project(environment), path)
    assert (value.scalar, value.origin) == (shown, origin)


def test_a_path_has_the_description_of_its_field() -> None:
    assert explain(project(), "edge.drain").description.startswith("longest wait for open connections")
    assert explain(project(), "services.web").description.startswith("One service")


def test_every_value_of_the_model_is_there() -> None:
    found = project("development")
    assert explain(found).plain()["stores"] == found.platform.model_dump()["stores"]  # type: ignore[index]


def test_what_looks_like_a_secret_is_not_shown_but_a_reference_is() -> None:
    env = explain(project(), "services.web.env").plain()
    assert env == {
        "GREETING": "yes: 'no' # maybe",
        "API_TOKEN": HIDDEN,
        "BROKER": f"amqp://{HIDDEN}@broker/",
        "DATABASE_URL": "${postgres.url}",
    }


def test_the_value_of_a_given_secret_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    file = tmp_path / "lokifi.yaml"
    file.write_text(
        "platform: shop\n"
        "services: {web: {path: app, run: serve, secrets: [KEY], env: {NOTE: is-s3cr3t-here}}}\n"
        "secrets: {KEY: 'env:KEY'}\n"
    )
    whole = explain(load(file, None, {"KEY": "s3cr3t"}))
    assert "s3cr3t" not in str(whole)
    assert whole.plain()["secrets"] == {"KEY": "env:KEY"}  # type: ignore[index]


@pytest.mark.parametrize("path", ["service", "services.web.routes[7]", "edge.drain.x", "services..web", "[", "a b", "." * 500])
def test_a_wrong_path_is_an_error_with_a_way_out(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(project(), path)
    assert caught.value.hint
