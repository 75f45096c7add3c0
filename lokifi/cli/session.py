"""From a call of a command to a session of the flow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lokifi import flow
from lokifi.cli.context import Call
from lokifi.contracts import Caller, Event, Listener


def _unheard(event: Event) -> None:
    """Nobody listens."""


def session_of(call: Call, *, scale: Mapping[str, int] | None = None, listen: Listener = _unheard) -> flow.Session:
    """The session of the file and environment that were asked for; raises `LokifiError`."""
    caller = Caller(call.variables, cache(call.variables))
    return flow.session(call.file, call.environment, caller, scale=scale, listen=listen)


def cache(variables: Mapping[str, str]) -> Path:
    """The folder for what can be fetched again (XDG Base Directory Specification: absolute, or it does not count)."""
    stated = variables.get("XDG_CACHE_HOME", "")
    base = Path(stated) if stated.startswith("/") else Path(variables.get("HOME") or "/") / ".cache"
    return base / "lokifi"
