"""The HTTP contract, endpoint by endpoint."""

from __future__ import annotations

import json
import re

import httpx
import pytest
import redis

from tests.conftest import Web, tick


def test_health_touches_nothing(web: Web) -> None:
    response = web.get("/api/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_names_its_checks(web: Web) -> None:
    response = web.get("/api/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "checks": {"postgres": "ok", "redis": "ok"}}


def test_markets_come_with_the_latest_price_of_redis(web: Web, bus: redis.Redis) -> None:
    last = {"symbol": "ETH-USD", "price": 4321.5, "change_24h": -1.25, "time": 1, "volume_24h": 77.0}
    bus.hset("markets:last", "ETH-USD", json.dumps(last))
    found = web.get("/api/markets").json()["markets"]
    assert len(found) == 12
    assert found[0] == {
        "symbol": "BTC-USD",
        "name": "Bitcoin",
        "price": 64120.0,
        "change_24h": 0.0,
        "volume_24h": 0.0,
        "decimals": 2,
    }
    assert [found[1][name] for name in ("price", "change_24h", "volume_24h")] == [4321.5, -1.25, 77.0]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "{",
        "[]",
        '{"symbol": 1}',
        '{"price": "x", "symbol": "ETH-USD"}',
        '{"symbol": "ETH-USD", "price": NaN, "change_24h": 0, "time": 1}',
        '{"symbol": "ETH-USD", "price": 1, "change_24h": 0, "time": 1e999}',
        '{"symbol": "ETH-USD", "price": 1, "change_24h": 0, "time": 1, "volume_24h": "x"}',
    ],
)
def test_rubbish_in_redis_does_not_reach_the_answer(web: Web, bus: redis.Redis, value: str) -> None:
    bus.hset("markets:last", "ETH-USD", value)
    assert web.get("/api/markets").json()["markets"][1]["price"] == 3180.0


@pytest.mark.parametrize(("interval", "seconds"), [("1m", 60), ("5m", 300), ("1h", 3600), ("1d", 86400)])
def test_candles_ascend(web: Web, interval: str, seconds: int) -> None:
    body = web.get("/api/markets/BTC-USD/candles", params={"interval": interval}).json()
    assert (body["symbol"], body["interval"], len(body["candles"])) == ("BTC-USD", interval, 200)
    times = [candle["time"] for candle in body["candles"]]
    assert times == list(range(times[0], times[0] + 200 * seconds, seconds))
    newest = 1700000000 // seconds * seconds + 1100 * seconds
    expected = {"time": newest, "open": 1.0, "high": 4.0, "low": 0.5, "close": 2.0, "volume": 10.0}
    assert body["candles"][-1] == expected


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_candles_heed_the_limit(web: Web, limit: int) -> None:
    body = web.get("/api/markets/BTC-USD/candles", params={"limit": limit}).json()
    assert len(body["candles"]) == limit


@pytest.mark.parametrize(
    "query",
    [
        "interval=2m",
        "interval=",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=1e3",
        "limit=99999999999",
    ],
)
def test_candles_refuse_what_is_out_of_range(web: Web, query: str) -> None:
    response = web.get(f"/api/markets/BTC-USD/candles?{query}")
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["message"].startswith(query.split("=")[0])


@pytest.mark.parametrize("symbol", ["NOPE-USD", "btc-usd", "BTC-USD'--", "%00", "..", "x" * 3000])
def test_unknown_symbols_are_not_found(web: Web, symbol: str) -> None:
    response = web.get(f"/api/markets/{symbol}/candles")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_a_watchlist_is_kept_for_its_visitor(web: Web) -> None:
    with httpx.Client(base_url=web.url) as visitor:
        assert visitor.get("/api/watchlist").json() == {"symbols": []}
        for symbol in ("SOL-USD", "BTC-USD", "SOL-USD"):
            assert visitor.put(f"/api/watchlist/{symbol}").status_code == 204
        assert visitor.get("/api/watchlist").json() == {"symbols": ["SOL-USD", "BTC-USD"]}
        for _ in range(2):
            assert visitor.delete("/api/watchlist/SOL-USD").status_code == 204
        assert visitor.get("/api/watchlist").json() == {"symbols": ["BTC-USD"]}
        assert visitor.put("/api/watchlist/NOPE").status_code == 404
    assert web.get("/api/watchlist").json() == {"symbols": []}


def test_the_cookie_is_made_once_and_guarded(web: Web) -> None:
    with httpx.Client(base_url=web.url) as visitor:
        made = visitor.get("/api/watchlist").headers["set-cookie"]
        assert re.match(r"visitor=[0-9a-f]{32}\.[0-9a-f]{64}; ", made)
        attributes = {part.strip().split("=")[0].lower() for part in made.split(";")[1:]}
        assert attributes == {"httponly", "samesite", "path", "max-age"}
        assert "samesite=lax" in made.lower()
        assert "set-cookie" not in visitor.get("/api/watchlist").headers
    behind_tls = web.get("/api/watchlist", headers={"X-Forwarded-Proto": "https"})
    assert "secure" in behind_tls.headers["set-cookie"].lower()


def test_a_forged_cookie_opens_nothing(web: Web) -> None:
    with httpx.Client(base_url=web.url) as visitor:
        visitor.put("/api/watchlist/ADA-USD")
        cookie = visitor.cookies["visitor"]
    identity, signature = cookie.split(".")
    other = ("0" if signature[0] != "0" else "1") + signature[1:]
    forgeries = [
        f"{identity}.{other}",
        f"{identity}.",
        identity,
        f"{identity}.{'0' * 64}",
        f"{identity.upper()}.{signature}",
        f"{'0' * 32}.{signature}",
        "." * 97,
        "x" * 5000,
    ]
    for forgery in forgeries:
        response = web.get("/api/watchlist", headers={"Cookie": f"visitor={forgery}"})
        assert response.json() == {"symbols": []}
        assert identity not in response.headers["set-cookie"]
        url = f"{web.url}/api/watchlist/ADA-USD"
        assert httpx.delete(url, headers={"Cookie": f"visitor={forgery}"}).status_code == 204
    assert web.get("/api/watchlist", headers={"Cookie": f"visitor={cookie}"}).json() == {
        "symbols": ["ADA-USD"]
    }


@pytest.mark.parametrize("identity", ["abc-123", "A.b_c-9", "x" * 128])
def test_a_well_formed_request_id_is_kept(web: Web, identity: str) -> None:
    assert web.get("/api/health", headers={"X-Request-ID": identity}).headers["x-request-id"] == identity


@pytest.mark.parametrize("identity", ["", "a b", 'a"b', "x" * 129, "<script>", "é".encode("latin-1")])
def test_any_other_request_id_is_replaced(web: Web, identity: str | bytes) -> None:
    value = identity if isinstance(identity, bytes) else identity.encode()
    response = web.get("/api/health", headers=[(b"X-Request-ID", value)])
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/ws/ticker", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("POST", "/api/markets", 405, "method_not_allowed"),
        ("DELETE", "/api/watchlist", 405, "method_not_allowed"),
    ],
)
def test_errors_have_one_shape_and_an_id(web: Web, method: str, path: str, status: int, code: str) -> None:
    response = httpx.request(method, web.url + path)
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert isinstance(response.json()["error"]["message"], str)
    assert response.headers["x-request-id"]


def test_metrics_tell_the_key_figures(web: Web, bus: redis.Redis) -> None:
    web.get("/api/markets/BTC-USD/candles?limit=7")
    bus.publish("markets:ticks", tick("BTC-USD", 1.0))
    web.get("/api/secret-of-a-user")
    text = web.get("/metrics").text
    route = 'method="GET",route="/api/markets/{symbol}/candles",status="200"'
    assert f"http_request_duration_seconds_count{{{route}}}" in text
    assert 'http_request_duration_seconds_count{method="GET",route="unmatched",status="404"}' in text
    assert "secret-of-a-user" not in text
    for name in (
        "http_requests_in_flight",
        "websocket_connections_open",
        'websocket_messages_total{direction="in"}',
        'websocket_messages_total{direction="out"}',
        'cache_hits_total{cache="candles"}',
        'cache_misses_total{cache="candles"}',
        'database_query_duration_seconds_count{query="candles"}',
        "ticks_received_total",
        "process_resident_memory_bytes",
    ):
        assert f"\n{name} " in text
