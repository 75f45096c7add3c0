"""How a value becomes a word of nginx.conf; nothing that a user wrote gets there another way."""

from __future__ import annotations

import ipaddress
import re

from lokifi.kit.errors import UsageError
from lokifi.model.grammar import bytes_of
from lokifi.plan.stack import Address
from lokifi.targets.text import writable

_PLAIN = re.compile(r"[A-Za-z0-9._~:/@+\[\]=-]+\Z")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
LARGEST = 2**63 - 1
"""Bytes that nginx counts in an `off_t`."""


def word(value: str) -> str:
    """`value` as one parameter, in quotes where it holds more than letters, digits and harmless signs.

    Raises `UsageError` for control characters, `$` (nginx knows no way to write it where variables are read), a
    double quote and a backslash (nginx keeps or drops it, depending on what follows: ngx_conf_read_token).
    """
    writable(value, "nginx.conf", '"\\$')
    return value if _PLAIN.match(value) else f'"{value}"'


def address(value: Address) -> str:
    """`value` as `listen` and `server` take it. Raises `UsageError` for what is neither an IP address nor a host name."""
    host = value.host.strip("[]")
    # ipaddress takes any text behind a '%' for a zone; nginx knows no zones.
    if not _HOST.match(host) and ("%" in host or not _is_ip(host)):
        raise UsageError(f"nginx cannot listen on or connect to {value.host!r}", hint="write an IP address without a zone")
    return str(Address(host, value.port))


def size(value: str) -> str:
    """A size of the platform file in nginx's units (k, m and g are powers of 1024), at most what it can count."""
    number = min(bytes_of(value), LARGEST)
    for letter, unit in (("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10)):
        if number % unit == 0:
            return f"{number // unit}{letter}"
    return str(number)


def duration(value: str) -> str:
    """A duration of the platform file: nginx has the same units ("Configuration file measurement units")."""
    return word(value)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
