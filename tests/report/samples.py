"""Hand-made values that every report is tried on."""

from __future__ import annotations

import io

from lokifi.contracts import Event, LogLine, PartStatus, Tool
from lokifi.plan.stack import Address
from lokifi.plan.steps import Plan, Step
from lokifi.report.screen import Screen, substitute_symbols

substitute_symbols()

NOW = 1_795_383_600.0  # 2026-11-22T21:40:00Z


def local(port: int) -> Address:
    return Address("127.0.0.1", port)


def screen(*, color: bool = False, live: bool = False, width: int = 100, encoding: str = "utf-8") -> Screen:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="lokifi", newline="\n", write_through=True)
    return Screen(stream, color=color, live=live, width=width)


def written(page: Screen) -> str:
    page.flush()
    raw = page.stream.buffer.getvalue()  # type: ignore[attr-defined]
    return raw.decode(page.encoding)


PARTS = [
    PartStatus(
        "edge", "edge", "ready", 4001, 0, NOW - 3720, NOW - 3719,
        ports={"http": local(8080), "status": local(8081)}, url="http://markets.localhost:8080/",
    ),
    PartStatus("postgres", "postgres", "ready", 4002, 0, NOW - 3725, NOW - 3724, ports={"http": local(8082)}),
    PartStatus("redis", "redis", "ready", 4003, 0, NOW - 3725, NOW - 3725, ports={"http": local(8083)}),
    PartStatus("backend-1", "backend", "ready", 4004, 0, NOW - 3722, NOW - 3721, ports={"http": local(8085)}),
    PartStatus(
        "backend-2", "backend", "unready", 4005, 2, NOW - 42, NOW - 3,
        reason="GET /api/ready answered 503", ports={"http": local(8086)},
    ),
    PartStatus("backend-3", "backend", "starting", 4006, 0, NOW - 0.4, NOW - 0.4, "", {"http": local(8087)}),
    PartStatus("ticker", "ticker", "crashing", 0, 7, 0, NOW - 12, "exit code 1: ModuleNotFoundError: No module named 'redis'"),
    PartStatus("prometheus", "prometheus", "stopped"),
]  # fmt: skip

PLAN = Plan(
    (
        Step("write", "nginx/nginx.conf", "is not there yet"),
        Step("write", "redis/redis.conf", "differs from the file"),
        Step("build", "install-apps-backend", "its sources changed"),
        Step("run", "release-backend", "was not done yet", frozenset({"build install-apps-backend", "wait postgres"})),
        Step("start", "postgres", "does not run"),
        Step("wait", "postgres", "until it is ready", frozenset({"start postgres"})),
        Step("stop", "backend-1", "its description changed"),
        Step("start", "backend-1", "its description changed", frozenset({"stop backend-1"})),
        Step("wait", "backend-1", "until it is ready", frozenset({"start backend-1"})),
        Step("wait", "backend-2", "is starting"),
        Step("reload", "edge", "its configuration changed", frozenset({"wait backend-1"})),
        Step("remove", "mailer", "is not in the file", frozenset({"reload edge"})),
    )
)

EVENTS = [
    Event(NOW, "started", "install-apps-backend", "was not done yet", "build"),
    Event(NOW, "progress", "install-apps-backend", "uv: 23 packages"),
    Event(NOW, "done", "nginx/nginx.conf", "", "write", 0.002),
    Event(NOW + 1.8, "done", "install-apps-backend", "23 packages", "build", 1.8),
    Event(NOW + 1.8, "started", "postgres", "does not run", "start"),
    Event(NOW + 1.9, "done", "postgres", "pid 4002", "start", 0.1),
    Event(NOW + 1.9, "started", "postgres", "until it is ready", "wait"),
    Event(NOW + 2.1, "part", "postgres", "ready"),
    Event(NOW + 2.1, "done", "postgres", "", "wait", 0.2),
    Event(NOW + 2.2, "started", "ticker", "until it is ready", "wait"),
    Event(NOW + 63.0, "failed", "ticker", "exit code 1 — see 'lokifi logs ticker'\nTraceback", "wait", 60.8),
    Event(NOW + 63.0, "skipped", "edge", "", "reload"),
]

LOGS = [
    LogLine("backend-1", NOW, '{"level":"info","path":"/api/markets","ms":3}'),
    LogLine("postgres", NOW + 0.013, "LOG:  checkpoint starting: time"),
    LogLine("ticker", NOW + 0.5, "\x1b[31merror\x1b[0m: price feed \x1b]0;owned\x07 lost \u202egnp.exe"),
    LogLine("backend-2", NOW + 1.25, "tab\there, error again\r"),
]


PROGRAMS = [
    Tool("nginx", "1.20 or newer, with stub_status", "1.22.1", "prefix", "programs/usr/sbin/nginx"),
    Tool("postgres", "15 or newer", "15.18", "machine", "/usr/lib/postgresql/15/bin/postgres"),
    Tool("redis-server", "7.0 or newer", missing="is not on this machine", command="lokifi setup"),
    Tool("node", "20 or newer", missing="18.19.0 is too old", command="see nodejs.org"),
]
