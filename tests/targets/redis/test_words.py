"""Whatever a value is, Redis reads it back or it was refused."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lokifi.kit.errors import UsageError
from lokifi.targets import redis
from lokifi.targets.redis import argument
from tests.engines import eventually, place, ready, running, stack_of
from tests.targets.redis.test_redis import Client


@given(st.text())
@example("a\"b\\c'd $x; # {}")
@example("a\nrequirepass x")
@example("\udcff")
def test_an_argument_reads_back_or_is_refused(value: str) -> None:
    try:
        written = argument(value)
    except UsageError:
        assert any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029" or 0xD800 <= ord(c) < 0xE000 for c in value)
        return
    # Inside double quotes sdssplitargs of Redis unescapes what shlex does, as only \\\\ and \\\" occur.
    assert shlex.split(written) == [value]
    assert "\n" not in written


@pytest.mark.engine
@pytest.mark.parametrize("name", ["plain", "a b", "it's; #1 {x} $HOME", 'quo"te', "back\\slash\\n", "Größe 東京", "%s %d"])
def test_a_server_uses_exactly_the_folder_that_was_written(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    stack = stack_of('platform: shop\nstores: {redis: {version: 6, memory: 64Mi}}\nobservability: {metrics: "off"}\n', root)
    config, users = place(redis, stack, root)
    users.write_text("user default on nopass ~* &* +@all\n")
    part = stack.parts["redis"]
    with running(part, root) as started:
        eventually(lambda: ready(part), what=started.text)
        with socket.create_connection((part.ports["http"].host, part.ports["http"].port), 5) as connection:
            ask = Client(connection)
            wanted = {
                "dir": part.folder,
                "aclfile": str(users),
                "bind": "127.0.0.1",
                "port": str(part.ports["http"].port),
                "maxmemory": str(64 << 20),
                "maxmemory-policy": "allkeys-lru",
                "appendonly": "yes",
                "appendfsync": "everysec",
                "save": "3600 1 300 100 60 10000",
                "protected-mode": "yes",
            }
            for name, value in wanted.items():
                assert ask("CONFIG", "GET", name) == [name, value]
    assert config.read_text() == (root / ".lokifi/development/config/redis/redis.conf").read_text()


def test_nothing_is_rendered_without_a_redis(tmp_path: Path) -> None:
    assert redis.render(stack_of("platform: shop\n", tmp_path)).artefacts == ()


def test_more_memory_than_redis_can_count_is_told(tmp_path: Path) -> None:
    made = redis.render(stack_of("platform: shop\nstores: {redis: {memory: 999999999Ti}}\n", tmp_path))
    assert [(loss.path, loss.fate) for loss in made.losses] == [("stores.redis.memory", "approximated")]
