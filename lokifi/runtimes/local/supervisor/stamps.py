"""Read the time a log line carries: the formats of the programs this product runs, and the usual ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

SEARCHED = 4096
MILLISECONDS = 1e11

_CLOCK = r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
_ZONE = r"(?: ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?![A-Za-z0-9]))?"
# At the start, perhaps in a bracket: ISO 8601, PostgreSQL's %m, nginx's error log, Python's logging.
_LEADING = re.compile(rf"\[?{_CLOCK}{_ZONE}")
# logfmt, as Prometheus and Alertmanager write it.
_LOGFMT = re.compile(rf"(?:^| )(?:ts|time|timestamp)=\"?{_CLOCK}{_ZONE}")
_JSON = re.compile(rf'"(?:time|ts|timestamp|@timestamp)" ?: ?(?:"{_CLOCK}{_ZONE}|(\d{{9,16}}(?:\.\d+)?)\b)')
# "1:M 22 Nov 2026 21:12:35.123 * Ready": Redis, Valkey and their Sentinels, in local time.
_REDIS = re.compile(r"\d+:[A-Z] (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d)\.(\d{3})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def stamp(line: str) -> float | None:
    """Return the unix time `line` carries, None when it carries none. Times without a zone are local."""
    text = line[:SEARCHED]
    try:
        if text.startswith("{"):
            found = _JSON.search(text)
            if found and found[9]:
                number = float(found[9])
                return number / 1000 if number > MILLISECONDS else number
            return _unix(*found.groups()[:8]) if found else None
        if found := _LEADING.match(text) or _LOGFMT.search(text):
            return _unix(*found.groups())
        if (found := _REDIS.match(text)) and found[2] in _MONTHS:
            day, month, year, *clock = found.groups()
            return _unix(year, str(_MONTHS.index(month) + 1), day, *clock, None)
    except (ValueError, OverflowError):
        return None
    return None


def _unix(*parts: str | None) -> float:
    year, month, day, hour, minute, second, fraction, zone = parts
    numbers = [int(part or 0) for part in (year, month, day, hour, minute, min(second or "0", "59"))]
    moment = datetime(*numbers, tzinfo=_zone(zone))  # type: ignore[arg-type,misc]
    return moment.timestamp() + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in ("Z", "UTC", "GMT"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
