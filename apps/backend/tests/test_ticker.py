"""The worker: history, ticks, candles, and coming back after outages."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis

from tests.servers import Postgres, Process, Redis, environment, free_port, migrate, module, until


@dataclass
class Worker:
    """A running ticker with its servers."""

    process: Process
    port: int
    database: str

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)

    def ticks(self) -> float:
        lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith("ticks_total{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def logged(self, event: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.process.output().splitlines()]
        return [line for line in lines if line["event"] == event]


@pytest.fixture
def work(postgres: Postgres, folder: Path) -> Iterator[Callable[[str, str], Worker]]:
    """Start tickers."""
    running: list[Process] = []

    def begin(database: str, redis_url: str) -> Worker:
        port = free_port()
        env = environment(postgres.url(database), redis_url, HOST="127.0.0.1", PORT=str(port))
        running.append(Process(module("markets.ticker"), env, folder / "ticker"))
        worker = Worker(running[-1], port, database)
        until(lambda: worker.logged("ticking") or worker.logged("waiting_for_database"), "it began")
        return worker

    yield begin
    for process in running:
        process.stop()


Begin = Callable[[str, str], Worker]


@pytest.fixture
def migrated(postgres: Postgres) -> str:
    """A migrated database without candles."""
    name = postgres.create()
    assert migrate(postgres.url(name)).returncode == 0
    return name


def test_a_first_start_fills_the_chart_then_ticks(
    work: Begin, postgres: Postgres, redis_server: Redis, migrated: str, bus: redis.Redis
) -> None:
    subscription = bus.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    subscription.subscribe("markets:ticks")
    worker = work(migrated, redis_server.url)
    counts = postgres.sql(
        "SELECT min(n), count(*) FROM (SELECT count(*) AS n FROM candles GROUP BY symbol, interval) AS x",
        migrated,
    )
    least, groups = counts.split("|")
    assert int(least) >= 300
    assert int(groups) == 48
    tick = until(lambda: subscription.get_message(timeout=0.1), "a tick is published")
    assert set(json.loads(tick["data"])) == {"type", "symbol", "price", "change_24h", "time"}
    until(lambda: bus.hlen("markets:last") == 12, "every market has a last price")
    until(
        lambda: postgres.sql("SELECT bool_and(volume_24h > 0) FROM markets", migrated) == "t",
        "figures are kept",
    )
    assert worker.get("/health").json() == {"status": "ok"}
    assert worker.get("/nothing").status_code == 404
    assert worker.ticks() > 0


def test_a_restart_goes_on_where_it_was(
    work: Begin, postgres: Postgres, redis_server: Redis, migrated: str
) -> None:
    first = work(migrated, redis_server.url)
    until(lambda: first.ticks() > 12, "every market moved")
    assert first.process.stop() == 0
    before = postgres.sql("SELECT count(*), max(volume) FROM candles WHERE interval = '1d'", migrated)
    second = work(migrated, redis_server.url)
    assert second.logged("ticking")
    assert not second.logged("history_made")
    after = postgres.sql("SELECT count(*), max(volume) FROM candles WHERE interval = '1d'", migrated)
    assert after.split("|")[0] == before.split("|")[0]
    assert float(after.split("|")[1]) >= float(before.split("|")[1])


def test_it_waits_for_the_migration(work: Begin, postgres: Postgres, redis_server: Redis) -> None:
    name = postgres.create()
    worker = work(name, redis_server.url)
    until(lambda: worker.logged("waiting_for_database"), "it says what it waits for")
    migrate(postgres.url(name))
    until(lambda: worker.logged("ticking"), "it ticks once the tables are there")


def test_redis_goes_and_comes_back(work: Begin, own_redis: Redis, migrated: str) -> None:
    worker = work(migrated, own_redis.url)
    client = redis.Redis.from_url(own_redis.url)
    until(lambda: client.hlen("markets:last") > 0, "prices are kept")
    own_redis.stop()
    until(lambda: worker.logged("redis_unreachable"), "it noticed")
    before = worker.ticks()
    until(lambda: worker.ticks() > before, "it goes on making prices")
    own_redis.start()
    until(lambda: client.hlen("markets:last") > 0, "prices are kept again")


def test_postgres_goes_and_comes_back(work: Begin, folder: Path, redis_server: Redis) -> None:
    server = Postgres(folder / f"postgres-{free_port()}")
    assert migrate(server.url()).returncode == 0
    port = free_port()
    env = environment(server.url(), redis_server.url, PORT=str(port))
    process = Process(module("markets.ticker"), env, folder / "ticker")
    worker = Worker(process, port, "postgres")
    try:
        until(lambda: worker.logged("ticking"), "it ticks")
        server.stop()
        until(lambda: worker.logged("candles_waiting"), "it noticed")
        assert worker.get("/health").status_code == 200
        before = worker.ticks()
        until(lambda: worker.ticks() > before + 3, "it goes on making prices")
        server.start()
        newest = "SELECT max(updated_at) > now() - interval '2 seconds' FROM markets"
        until(lambda: server.sql(newest) == "t", "prices are kept again")
    finally:
        assert process.stop() == 0
        server.stop()


def test_health_fails_when_no_tick_is_made(work: Begin, postgres: Postgres, redis_server: Redis) -> None:
    worker = work(postgres.create(), redis_server.url)
    assert worker.get("/health").status_code == 200
    until(lambda: worker.get("/health").status_code == 503, "unhealthy after ten seconds", seconds=20)


def test_sigint_ends_it_too(work: Begin, redis_server: Redis, migrated: str) -> None:
    worker = work(migrated, redis_server.url)
    until(lambda: worker.logged("ticking"), "ticking")
    assert worker.process.stop(signal.SIGINT) == 0
    assert worker.logged("stopped")


def test_a_taken_port_is_one_line_and_exit_1(postgres: Postgres, redis_server: Redis, folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        env = environment(postgres.url(), redis_server.url, PORT=str(other.getsockname()[1]))
        process = Process(module("markets.ticker"), env, folder / "ticker")
        assert process.child.wait(10) == 1
    assert [json.loads(line)["event"] for line in process.output().splitlines()] == ["cannot_listen"]
