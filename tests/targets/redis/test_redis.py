"""redis.conf and users.acl, read and obeyed by a real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lokifi.plan.stack import Address, Stack
from lokifi.targets import redis
from tests.engines import SECRET, Started, eventually, place, ready, running, stack_of

pytestmark = pytest.mark.engine
FILE = 'platform: shop\nstores: {redis: {version: 7, memory: 8Mi, eviction: volatile-ttl}}\nobservability: {metrics: "off"}\n'


class Refused(Exception):
    """An error that Redis answered."""


@dataclass
class Client:
    """RESP2 on a socket: https://redis.io/docs/latest/develop/reference/protocol-spec/"""

    connection: socket.socket

    def __post_init__(self) -> None:
        self.file = self.connection.makefile("rb")

    def __call__(self, *words: str) -> object:
        raw = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
        self.connection.sendall(b"*%d\r\n%s" % (len(words), raw))
        return self.answer()

    def answer(self) -> object:
        line = self.file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise Refused(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest.decode()


@contextmanager
def client(address: Address, *, signed_in: bool = True) -> Iterator[Client]:
    with socket.create_connection((address.host, address.port), 5) as connection:
        one = Client(connection)
        if signed_in:
            assert one("AUTH", "app", SECRET) == "OK"
        yield one


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Started]]:
    tmp_path = tmp_path_factory.mktemp("redis")
    stack = stack_of(FILE, tmp_path)
    place(redis, stack, tmp_path)
    with running(stack.parts["redis"], tmp_path) as started:
        eventually(lambda: ready(stack.parts["redis"]), what=started.text)
        yield stack, started


def test_a_stranger_may_ask_whether_it_lives_and_nothing_else(server: tuple[Stack, Started]) -> None:
    part = server[0].parts["redis"]
    assert part.health.ready is not None
    with socket.create_connection((part.ports["http"].host, part.ports["http"].port), 5) as probe:
        probe.sendall(part.health.ready.send)
        assert probe.recv(100).startswith(part.health.ready.expect)
    with client(part.ports["http"], signed_in=False) as ask:
        for words in (
            ("GET", "x"),
            ("INFO",),
            ("PUBLISH", "a", "b"),
            ("SUBSCRIBE", "a"),
            ("ACL", "WHOAMI"),
            ("CONFIG", "GET", "*"),
        ):
            with pytest.raises(Refused, match="NOPERM"):
                ask(*words)
        with pytest.raises(Refused, match="WRONGPASS"):
            ask("AUTH", "app", "wrong")
        with pytest.raises(Refused, match="NOPERM"):
            ask("GET", "x")


@pytest.mark.parametrize(
    "words",
    [
        ("SET", "a", "1", "EX", "100"),
        ("HSET", "h", "f", "v"),
        ("XADD", "s", "*", "f", "v"),
        ("PUBLISH", "channel", "m"),
        ("SUBSCRIBE", "channel"),
        ("SCAN", "0"),
        ("EVAL", "return redis.call('set', KEYS[1], 'x')", "1", "k"),
        ("INFO", "server"),
        ("CLIENT", "SETNAME", "web"),
        ("CLIENT", "ID"),
        ("HELLO", "2"),
        ("SELECT", "1"),
        ("MULTI",),
        ("WAIT", "0", "0"),
        ("MEMORY", "USAGE", "a"),
        ("DBSIZE",),
    ],
    ids=lambda words: words[0],
)
def test_the_application_may_do_what_clients_do(server: tuple[Stack, Started], words: tuple[str, ...]) -> None:
    with client(server[0].parts["redis"].ports["http"]) as ask:
        ask(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("CONFIG", "GET", "*"),
        ("CONFIG", "SET", "dir", "/"),
        ("DEBUG", "SLEEP", "0"),
        ("SHUTDOWN",),
        ("FLUSHALL",),
        ("FLUSHDB",),
        ("KEYS", "*"),
        ("MONITOR",),
        ("SAVE",),
        ("BGREWRITEAOF",),
        ("REPLICAOF", "127.0.0.1", "1"),
        ("MODULE", "LOAD", "/x"),
        ("ACL", "LIST"),
        ("ACL", "SETUSER", "app", "+@all"),
        ("CLIENT", "LIST"),
        ("CLIENT", "KILL", "ID", "1"),
        ("MIGRATE", "127.0.0.1", "1", "k", "0", "1"),
        ("SWAPDB", "0", "1"),
        ("EVAL", "return redis.call('flushall')", "0"),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_the_application_may_not_touch_the_server(server: tuple[Stack, Started], words: tuple[str, ...]) -> None:
    with (
        client(server[0].parts["redis"].ports["http"]) as ask,
        pytest.raises(Refused, match=r"NOPERM|can't run this command|command not allowed|has no permissions"),
    ):
        ask(*words)


def test_writes_survive_a_restart_in_the_parts_own_folder(tmp_path: Path) -> None:
    stack = stack_of(FILE, tmp_path)
    place(redis, stack, tmp_path)
    part = stack.parts["redis"]
    for turn in range(2):
        with running(part, tmp_path) as started:
            eventually(lambda: ready(part), what=started.text)
            with client(part.ports["http"]) as ask:
                assert ask("GET", "kept") == (None if turn == 0 else "yes")
                ask("SET", "kept", "yes")
    assert any(Path(part.folder).rglob("*.aof"))


def test_the_password_stands_nowhere_and_its_digest_only_in_a_private_file(server: tuple[Stack, Started]) -> None:
    root = server[1].log.parent
    users = next(root.rglob("users.acl"))
    assert users.stat().st_mode & 0o777 == 0o600
    for path in root.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()
