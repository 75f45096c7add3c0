"""`--since`: a span back from this moment, or a time."""

from __future__ import annotations

import re
from datetime import datetime

from lokifi.kit.errors import UsageError

_SPAN = re.compile(r"([0-9]{1,9})(s|m|h|d)\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def moment(text: str, now: float) -> float:
    """Unix seconds of `text`: `10m` before `now`, or ISO 8601, local unless it names its zone. Raises `UsageError`."""
    if span := _SPAN.match(text):
        return now - int(span[1]) * _SECONDS[span[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        hint = "write 30s, 10m, 2h, 1d or 2026-11-22T14:00"
        raise UsageError(f"{text[:80]!r} is no time", hint=hint) from error
