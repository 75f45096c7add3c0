"""JSON logs: one event, one line, on standard output."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_FIELDS = "fields"


class JsonFormatter(logging.Formatter):
    """A record as one JSON object; what a user sent is escaped by the JSON encoder, newlines included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time (ISO 8601, UTC, milliseconds), level, event, then the event's own fields."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        identity = request_id.get()
        if identity is not None:
            line["request_id"] = identity
        line.update(getattr(record, _FIELDS, {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str, separators=(",", ":"))


class _Log:
    """Named events with fields; `log.info("ready", pool=3)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: object) -> None:
        self._logger.info("%s", event, extra={_FIELDS: fields})

    def warning(self, event: str, **fields: object) -> None:
        self._logger.warning("%s", event, extra={_FIELDS: fields})

    def error(self, event: str, **fields: object) -> None:
        self._logger.error("%s", event, extra={_FIELDS: fields})


def _not_a_connection_line(record: logging.LogRecord) -> bool:
    # uvicorn announces every WebSocket (and websockets every state change) in a line of its own, without
    # request id or duration; the application writes a better one.
    return "WebSocket" not in str(record.msg) and not str(record.msg).startswith("connection ")


def configure(level: int = logging.INFO) -> None:
    """Send every logger of this process through the JSON formatter; silence uvicorn's access log."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("uvicorn.error").addFilter(_not_a_connection_line)
    access = logging.getLogger("uvicorn.access")
    access.handlers = []
    access.propagate = False


def get(name: str) -> _Log:
    """Return the event log of one module."""
    return _Log(name)
