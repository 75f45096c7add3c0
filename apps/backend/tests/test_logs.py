"""Log lines: one event a line, always JSON, whatever a user sends."""

from __future__ import annotations

import json
import re
import socket

from tests.conftest import Start, Web
from tests.servers import until


def test_a_request_is_one_line_with_its_figures(web: Web) -> None:
    web.get("/api/markets/BTC-USD/candles?limit=3", headers={"X-Request-ID": "logged-1"})
    lines = until(
        lambda: [line for line in web.logged("request") if line["request_id"] == "logged-1"],
        "the line is there",
    )
    assert len(lines) == 1
    line = lines[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line["time"]))
    assert isinstance(line["duration_ms"], float)
    expected = {"level": "info", "method": "GET", "route": "/api/markets/{symbol}/candles", "status": 200}
    assert expected.items() <= line.items()
    assert line["path"] == "/api/markets/BTC-USD/candles"


def test_every_line_is_json_and_uvicorn_writes_no_other(start: Start) -> None:
    web = start()
    web.get("/api/nothing")
    web.process.stop()
    lines = [json.loads(line) for line in web.process.output().splitlines()]
    assert all({"time", "level", "event"} <= set(line) for line in lines)
    assert {line["logger"] for line in lines} >= {"uvicorn.error", "markets.requests"}
    assert not any(line["logger"] == "uvicorn.access" for line in lines)
    assert web.process.errors.read_text() == ""


def test_what_users_send_cannot_make_a_line(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port)) as raw:
        path = b'/api/x%0a{"event":"forged"}%1b[31m%e2%80%a8'
        raw.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while raw.recv(4096):
            pass
    found = until(
        lambda: [line for line in web.logged("request") if "forged" in str(line["path"])],
        "the request is logged",
    )
    assert found[0]["route"] == "unmatched"
    assert not web.logged("forged")
    raw_line = next(line for line in web.process.output().splitlines() if "forged" in line)
    assert raw_line.isascii()
    assert raw_line.isprintable()


def test_no_secret_is_written(web: Web) -> None:
    web.get("/api/watchlist", headers={"Cookie": "visitor=abc"})
    assert "a secret for tests" not in web.process.output()
    assert "postgresql://" not in web.process.output()
