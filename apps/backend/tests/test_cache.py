"""Redis as a cache, and life without it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import redis
from websockets.sync.client import connect

from tests.conftest import Start, Web, tick, wait
from tests.servers import Postgres, Redis, migrate, until

HITS, MISSES = 'cache_hits_total{cache="candles"}', 'cache_misses_total{cache="candles"}'
PATH = "/api/markets/BTC-USD/candles?limit=11"


def test_the_second_answer_comes_from_the_cache(web: Web, bus: redis.Redis) -> None:
    hits, misses = web.metric(HITS), web.metric(MISSES)
    first, second = web.get(PATH), web.get(PATH)
    assert first.content == second.content
    assert (web.metric(HITS) - hits, web.metric(MISSES) - misses) == (1, 1)
    keys = list(bus.scan_iter("markets:candles:*"))
    assert keys == [b"markets:candles:BTC-USD:1m:11"]
    assert 0 < bus.ttl(keys[0]) <= 5


def test_a_cached_answer_expires(web: Web, bus: redis.Redis) -> None:
    web.get(PATH)
    until(lambda: not bus.exists("markets:candles:BTC-USD:1m:11"), "the cached candles are gone")
    misses = web.metric(MISSES)
    web.get(PATH)
    assert web.metric(MISSES) == misses + 1


def test_without_redis_postgres_answers_and_redis_comes_back(start: Start, own_redis: Redis) -> None:
    web = start(redis_url=own_redis.url)
    before = web.get(PATH).json()
    own_redis.stop()
    for path in (PATH, "/api/markets", "/api/watchlist"):
        assert web.get(path).status_code == 200
    assert web.get(PATH).json() == before
    assert len(web.get("/api/markets").json()["markets"]) == 12
    ready = web.get("/api/ready")
    assert ready.status_code == 200
    assert ready.json()["checks"]["redis"] != "ok"
    assert web.metric("cache_errors_total") > 0

    own_redis.start()
    wait(web, "/api/ready")
    hits = web.metric(HITS)
    until(lambda: web.get(PATH).status_code == 200 and web.metric(HITS) > hits, "the cache is used again")
    bus = redis.Redis.from_url(own_redis.url)
    until(lambda: bus.publish("markets:ticks", tick("BTC-USD", 5.0)), "the web process is subscribed again")


def test_redis_away_from_the_start(start: Start, own_redis: Redis) -> None:
    own_redis.stop()
    web = start(redis_url=own_redis.url)
    assert web.get(PATH).status_code == 200
    with connect(web.socket_url) as socket:
        text = str(socket.recv(timeout=5))
    assert text.count('"type":"tick"') == 12


def test_a_silent_redis_costs_no_more_than_its_time_out(start: Start, own_redis: Redis) -> None:
    web = start(redis_url=own_redis.url)
    web.get(PATH)
    assert own_redis.process is not None
    own_redis.process.child.send_signal(19)
    try:
        slowest = max(web.get(PATH).elapsed.total_seconds() for _ in range(3))
    finally:
        own_redis.process.child.send_signal(18)
    assert slowest < 3


def test_postgres_away_from_the_start_then_there(start: Start, folder: object) -> None:
    # Nobody listens on port 1: the process lives, says so, and has no answer but a clear one.
    web = start(database_url="postgresql://postgres@127.0.0.1:1/x", ready=False)
    ready = web.get("/api/ready")
    assert ready.status_code == 503
    assert ready.json()["status"] == "unready"
    assert ready.json()["checks"]["postgres"] == "not connected"
    response = web.get(PATH)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "unavailable"
    assert response.headers["retry-after"] == "1"


def test_an_unmigrated_database_is_not_ready_until_it_is(start: Start, postgres: Postgres) -> None:
    name = postgres.create()
    web = start(database_url=postgres.url(name), ready=False)
    refused = wait(web, "/api/ready", 503)
    assert refused.json()["checks"]["postgres"] in ("not migrated", "not connected")
    assert migrate(postgres.url(name)).returncode == 0
    assert wait(web, "/api/ready").json()["checks"]["postgres"] == "ok"


def test_sessions_ended_by_the_server_are_replaced(start: Start, postgres: Postgres) -> None:
    web = start()
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'markets-web'"
    with httpx.Client(base_url=web.url) as visitor, ThreadPoolExecutor(8) as crowd:
        visitor.put("/api/watchlist/BTC-USD")
        for _ in range(15):
            asked = [crowd.submit(visitor.get, "/api/watchlist") for _ in range(40)]
            postgres.sql(end)
            asked.append(crowd.submit(visitor.get, "/api/watchlist"))
            answers = [item.result() for item in asked]
            assert [answer.status_code for answer in answers] == [200] * 41
            assert answers[-1].json() == {"symbols": ["BTC-USD"]}


def test_a_query_that_takes_too_long_is_a_503(
    start: Start, postgres: Postgres, candles_database: str
) -> None:
    web = start()
    web.get("/api/markets")
    with postgres.lock("candles", candles_database):
        response = web.get("/api/markets/BTC-USD/candles?limit=13")
    assert response.status_code == 503
    assert web.metric('database_query_errors_total{query="candles"}') == 1
    assert (
        web.metric('http_errors_total{method="GET",route="/api/markets/{symbol}/candles",status="503"}') == 1
    )
