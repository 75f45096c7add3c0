"""Times as people read them, and as programs do."""

from __future__ import annotations

from datetime import UTC, datetime


def span(seconds: float) -> str:
    """A duration in its two largest units: `0.3 s`, `42 s`, `2 m 04 s`, `3 h 10 m`, `12 d 4 h`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def iso(time: float) -> str | None:
    """Unix seconds as ISO 8601 in UTC with milliseconds; None for 0, which means never."""
    if not time:
        return None
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(time: float) -> str:
    """Unix seconds as date and time here, `11-22 14:03:07.250`: a history may span days."""
    return datetime.fromtimestamp(time).astimezone().strftime("%m-%d %H:%M:%S.%f")[:-3]


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 part`, `3 parts`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
