"""The key figures, in Prometheus' naming: base units, `_total` for counters, few and bounded labels."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# One more series for each counter, and nothing asks for them.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds. Dense around the objective (p95 200 ms), wide enough to see a statement time-out.
REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0)
QUERY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from the request's head to the end of the response.",
    ("method", "route", "status"),
    buckets=REQUEST_BUCKETS,
)
REQUESTS_OPEN = Gauge("http_requests_in_flight", "Requests being answered.")
ERRORS = Counter("http_errors_total", "Responses with a 5xx status.", ("method", "route", "status"))

WEBSOCKETS_OPEN = Gauge("websocket_connections_open", "Open WebSockets.")
WEBSOCKET_MESSAGES = Counter("websocket_messages_total", "WebSocket messages.", ("direction",))
WEBSOCKET_SLOW = Counter("websocket_slow_clients_total", "Clients dropped because their queue was full.")
WEBSOCKET_IN = WEBSOCKET_MESSAGES.labels("in")
WEBSOCKET_OUT = WEBSOCKET_MESSAGES.labels("out")

CACHE_HITS = Counter("cache_hits_total", "Answers found in the cache.", ("cache",))
CACHE_MISSES = Counter("cache_misses_total", "Answers not found in the cache.", ("cache",))
CACHE_ERRORS = Counter("cache_errors_total", "Cache operations that failed or were not tried: Redis is away.")

QUERY_SECONDS = Histogram(
    "database_query_duration_seconds",
    "Time of a PostgreSQL query, waiting for a connection included.",
    ("query",),
    buckets=QUERY_BUCKETS,
)
QUERY_ERRORS = Counter("database_query_errors_total", "PostgreSQL queries that failed.", ("query",))

TICKS_RECEIVED = Counter("ticks_received_total", "Ticks received from Redis pub/sub.")
TICKS = Counter("ticks_total", "Ticks made.", ("symbol",))
TICKS_UNPUBLISHED = Counter("ticks_unpublished_total", "Ticks dropped because Redis was away.")
LAST_TICK = Gauge("last_tick_timestamp_seconds", "Unix time of the last tick made.")
CANDLES_PENDING = Gauge("candles_pending", "Candles changed and not yet in PostgreSQL.")
