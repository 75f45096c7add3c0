"""Ports are checked before anything starts, and the one who holds a taken port is named."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Collection, Iterable

import psutil

from lokifi.kit.errors import Refused
from lokifi.plan.stack import Address, Part


def check(parts: Iterable[Part], held: Collection[int] = ()) -> None:
    """Raises `Refused` naming every port of `parts` that somebody else holds: port, part, pid and command.

    `held` are ports that parts of this platform hold themselves.
    """
    wrong = []
    for part in parts:
        for address in (address for address in part.ports.values() if address.port not in held):
            match obstacle(address):
                case 0:
                    pass
                case errno.EADDRINUSE:
                    wrong.append(f"port {address.port} of {part.name} is taken by {holder(address)}")
                case number:
                    wrong.append(
                        f"port {address.port} of {part.name} cannot be opened at {address.host}: {os.strerror(number)}"
                    )
    if wrong:
        raise Refused("; ".join(wrong), hint="stop what holds it, or move the platform: edge: {listen: ADDRESS:PORT}")


def free(address: Address) -> bool:
    """Whether `address` can be bound at this moment."""
    return obstacle(address) == 0


def obstacle(address: Address) -> int:
    """The error number (errno(3)) with which the kernel refuses to bind `address` at this moment, 0 for none."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
            probe.listen(1)
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0


def holder(address: Address) -> str:
    """Who listens there, as far as this user may see."""
    try:
        for found in psutil.net_connections("tcp"):
            local = found.laddr[1] if found.laddr else 0
            if found.status == psutil.CONN_LISTEN and local == address.port and found.pid:
                return f"{psutil.Process(found.pid).name()} (pid {found.pid})"
    except psutil.Error:
        return "another program"
    return "another program"
