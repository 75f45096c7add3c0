"""SIGTERM: requests drain, WebSockets are told, nothing outlasts five seconds, exit code 0."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import ExitStack

import httpx
import pytest
import redis
from websockets.sync.client import connect

from tests.conftest import Start, Web, wait
from tests.servers import Postgres, until
from tests.test_stream import clog, close_code, raw_socket

LIMIT_SECONDS = 5.0
SLOW = "/api/markets/BTC-USD/candles?limit=17"


def _stop(web: Web, number: int = signal.SIGTERM) -> float:
    started = time.monotonic()
    assert web.process.stop(number) == 0
    took = time.monotonic() - started
    assert took < LIMIT_SECONDS
    assert web.logged("stopped")
    assert not web.logged("connections_cut")
    assert "Traceback" not in web.process.output() + web.process.errors.read_text()
    return took


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_process_leaves_at_once(start: Start, number: int) -> None:
    assert _stop(start(), number) < 2


def test_websockets_are_closed_with_1012(start: Start) -> None:
    web = start()
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(web.socket_url)) for _ in range(10)]
        until(lambda: web.metric("websocket_connections_open") == 10, "ten WebSockets")
        assert _stop(web) < 2
        assert {close_code(client) for client in clients} == {1012}


def test_a_slow_request_is_answered_first(start: Start, postgres: Postgres, candles_database: str) -> None:
    web = start()
    web.get("/api/markets")
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(web.get(SLOW)))
    with postgres.lock("candles", candles_database):
        asking.start()
        until(lambda: postgres.waiting(candles_database), "the request waits for the lock")
        web.process.child.send_signal(signal.SIGTERM)
        until(lambda: web.logged("Shutting down"), "the listener is closed")
    asking.join(10)
    assert web.process.child.wait(LIMIT_SECONDS) == 0
    assert [answer.status_code for answer in answers] == [200]
    assert len(answers[0].json()["candles"]) == 17
    assert answers[0].headers["connection"] == "close"


def test_readiness_turns_503_before_the_listener_closes(start: Start) -> None:
    web = start(SHUTDOWN_DELAY="1.5")
    web.process.child.send_signal(signal.SIGTERM)
    refused = wait(web, "/api/ready", 503, seconds=1.4)
    assert refused.json() == {"status": "unready", "checks": {"postgres": "ok", "redis": "ok"}}
    assert refused.headers["connection"] == "close"
    assert web.get("/api/markets").status_code == 200
    assert web.process.child.wait(LIMIT_SECONDS) == 0


def test_a_client_that_never_reads_does_not_keep_it(start: Start, bus: redis.Redis) -> None:
    web = start()
    with raw_socket(web):
        clog(web, bus)
        started = time.monotonic()
        assert web.process.stop() == 0
        assert time.monotonic() - started < LIMIT_SECONDS
    assert web.logged("connections_cut")
    assert web.logged("stopped")
    assert "Traceback" not in web.process.output() + web.process.errors.read_text()


def test_an_unfinished_request_does_not_keep_it(
    start: Start, postgres: Postgres, candles_database: str
) -> None:
    web = start(SHUTDOWN_DELAY="0")
    web.get("/api/markets")
    with postgres.lock("candles", candles_database), httpx.Client() as client:
        asking = threading.Thread(target=lambda: client.get(web.url + SLOW, timeout=10))
        asking.start()
        until(lambda: postgres.waiting(candles_database), "the request waits for the lock")
        started = time.monotonic()
        assert web.process.stop() == 0
        assert time.monotonic() - started < LIMIT_SECONDS
        asking.join(10)
    assert "Traceback" not in web.process.output() + web.process.errors.read_text()


def test_it_leaves_while_it_still_waits_for_postgres(start: Start) -> None:
    web = start(database_url="postgresql://postgres@127.0.0.1:1/x", ready=False)
    assert web.process.stop() == 0
