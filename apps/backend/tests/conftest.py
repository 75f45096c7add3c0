"""The servers and the processes that the tests share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis

from tests.servers import Postgres, Process, Redis, environment, free_port, migrate, module, until


@dataclass
class Web:
    """A running web process and what it was given."""

    process: Process
    port: int
    database_url: str
    redis_url: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        """Where its WebSocket is."""
        return f"ws://127.0.0.1:{self.port}/ws/ticker"

    def get(self, path: str, **options: object) -> httpx.Response:
        """One GET on a connection of its own."""
        return httpx.get(self.url + path, timeout=10, **options)  # type: ignore[arg-type]

    def metric(self, name: str) -> float:
        """The value of a metric, labels included in its name; 0 when it has none yet."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def logged(self, event: str) -> list[dict[str, object]]:
        """The log lines of one event."""
        lines = [json.loads(line) for line in self.process.output().splitlines()]
        return [line for line in lines if line["event"] == event]


Start = Callable[..., Web]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where servers keep their things."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[Postgres]:
    """One PostgreSQL for all tests."""
    server = Postgres(folder / "postgres")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(folder: Path) -> Iterator[Redis]:
    """One Redis for all tests that do not stop it."""
    server = Redis(folder)
    yield server
    server.stop()


@pytest.fixture
def own_redis(folder: Path) -> Iterator[Redis]:
    """A Redis that a test may stop and start."""
    server = Redis(folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def candles_database(postgres: Postgres) -> str:
    """The name of a migrated database with some candles of BTC-USD."""
    name = postgres.create()
    assert migrate(postgres.url(name)).returncode == 0
    postgres.sql(
        "INSERT INTO candles SELECT 'BTC-USD', i, to_timestamp(1700000000 / s * s + n * s), 1, 4, 0.5, 2, 10 "
        "FROM (VALUES ('1m', 60), ('5m', 300), ('1h', 3600), ('1d', 86400)) AS intervals (i, s), "
        "generate_series(1, 1100) AS n",
        name,
    )
    return name


@pytest.fixture
def start(postgres: Postgres, redis_server: Redis, candles_database: str, folder: Path) -> Iterator[Start]:
    """Start web processes, with other servers or settings if a test says so."""
    started: list[Web] = []

    def begin(database_url: str = "", redis_url: str = "", ready: bool = True, **more: str) -> Web:
        database_url = database_url or postgres.url(candles_database)
        redis_url = redis_url or redis_server.url
        web = _start(database_url, redis_url, folder, more)
        started.append(web)
        wait(web, "/api/ready" if ready else "/api/health")
        return web

    yield begin
    for web in started:
        web.process.stop()


@pytest.fixture(scope="session")
def web(postgres: Postgres, redis_server: Redis, candles_database: str, folder: Path) -> Iterator[Web]:
    """One web process for the tests that only ask."""
    running = _start(postgres.url(candles_database), redis_server.url, folder, {})
    wait(running, "/api/ready")
    yield running
    assert running.process.stop() == 0


@pytest.fixture
def bus(redis_server: Redis) -> Iterator[redis.Redis]:
    """A client of the shared Redis, emptied first."""
    client = redis.Redis.from_url(redis_server.url)
    client.flushdb()
    yield client
    client.close()


def _start(database_url: str, redis_url: str, folder: Path, more: dict[str, str]) -> Web:
    port = free_port()
    arguments = [*module("uvicorn"), "markets.main:app", "--host", "127.0.0.1", "--port", str(port)]
    process = Process(arguments, environment(database_url, redis_url, **more), folder / "web")
    return Web(process, port, database_url, redis_url)


def wait(web: Web, path: str, status: int = 200, seconds: float = 15.0) -> httpx.Response:
    """Wait until `path` answers with `status`."""

    def ask() -> httpx.Response | None:
        assert web.process.child.poll() is None, web.process.output() + web.process.errors.read_text()
        try:
            response = web.get(path)
        except httpx.TransportError:
            return None
        return response if response.status_code == status else None

    return until(ask, f"{path} answers {status}", seconds)


def tick(symbol: str, price: float, change: float = 0.5) -> str:
    """A tick as the worker publishes it."""
    moment = int(time.time() * 1000)
    return json.dumps(
        {"type": "tick", "symbol": symbol, "price": price, "change_24h": change, "time": moment}
    )
