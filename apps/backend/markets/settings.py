"""What the process is told from outside: environment variables, checked before anything else runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

POSTGRES_SCHEMES = ("postgresql://", "postgres://")
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


@dataclass(frozen=True)
class Settings:
    """The values a process asked for; those it did not ask for are empty."""

    database_url: str = ""
    redis_url: str = ""
    secret_key: str = ""
    host: str = "127.0.0.1"
    port: int | None = None
    # Seconds between "not ready" and closing the listener, so that a balancer can look away first.
    shutdown_delay: float = 0.2


def read(required: tuple[str, ...], environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; end the process with one line and exit code 2 when one is missing or malformed.

    `required` names the variables that must be present and not blank. Values are secrets: never printed.
    """
    if environ is None:
        _leave_foreign_home()
    env = os.environ if environ is None else environ
    values = {name: env.get(name, "").strip() for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
    missing = [name for name in required if not values[name]]
    if missing:
        _refuse(f"{', '.join(missing)} not set or blank — set it in the environment")
    for name, schemes in (("DATABASE_URL", POSTGRES_SCHEMES), ("REDIS_URL", REDIS_SCHEMES)):
        if values[name] and not values[name].startswith(schemes):
            _refuse(f"{name} must begin with {' or '.join(schemes)}")
    return Settings(
        database_url=values["DATABASE_URL"],
        redis_url=values["REDIS_URL"],
        secret_key=values["SECRET_KEY"],
        host=env.get("HOST") or "127.0.0.1",
        port=_port(env.get("PORT", "")),
        shutdown_delay=_seconds("SHUTDOWN_DELAY", env.get("SHUTDOWN_DELAY", ""), default=0.2),
    )


def _leave_foreign_home() -> None:
    # A supervisor that drops root often leaves root's HOME, which nobody else may enter; asyncpg looks there
    # for client certificates and fails with PermissionError. libpq treats such a home as empty, and so do we.
    home = os.environ.get("HOME")
    if home and os.path.isdir(home) and not os.access(home, os.X_OK):
        os.environ["HOME"] = os.devnull


def _port(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        _refuse("PORT must be a number from 1 to 65535")
    return int(text)


def _seconds(name: str, text: str, default: float) -> float:
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60:
        _refuse(f"{name} must be seconds from 0 to 60")
    return value


def _refuse(sentence: str) -> NoReturn:
    sys.stderr.write(f"markets: {sentence}\n")
    raise SystemExit(2)
