"""Ports: who holds a taken one is named before anything starts."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator

import pytest

from lokifi.kit.errors import Refused
from lokifi.plan.stack import Address, Part
from lokifi.runtimes.local import ports
from tests.runtimes.local.others import PYTHON

LISTENER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    print("listening", flush=True)
    sys.stdin.read()
"""


def free_port() -> int:
    """A port below the range that the kernel gives to outgoing connections."""
    for port in range(20_000 + os.getpid() % 8000, 32_000):
        if ports.free(Address("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def part(name: str, *addresses: Address) -> Part:
    return Part(name, name, "service", ("x",), "/", ports={str(number): each for number, each in enumerate(addresses)})


@pytest.fixture
def taken() -> Iterator[tuple[int, int]]:
    """A port and the process that holds it."""
    port = free_port()
    words = [PYTHON, "-c", LISTENER, str(port)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "listening\n"
        yield port, process.pid
        process.kill()


def test_free_ports_are_fine() -> None:
    port = free_port()
    ports.check([part("a", Address("127.0.0.1", port)), part("worker")])
    assert ports.free(Address("127.0.0.1", port))


def test_port_part_command_and_pid_are_named(taken: tuple[int, int]) -> None:
    port, pid = taken
    with pytest.raises(Refused) as caught:
        ports.check([part("api-1", Address("127.0.0.1", free_port())), part("api-2", Address("127.0.0.1", port))])
    assert caught.value.sentence.startswith(f"port {port} of api-2 is taken by python")
    assert caught.value.sentence.endswith(f" (pid {pid})")
    assert caught.value.hint == "stop what holds it, or move the platform: edge: {listen: ADDRESS:PORT}"


def test_a_port_of_all_addresses_is_taken_too(taken: tuple[int, int]) -> None:
    assert not ports.free(Address("0.0.0.0", taken[0]))


def test_all_taken_ports_are_told_at_once(taken: tuple[int, int]) -> None:
    address = Address("127.0.0.1", taken[0])
    with pytest.raises(Refused) as caught:
        ports.check([part("a", address), part("b", address)])
    assert [text[: text.index(" is")] for text in caught.value.sentence.split("; ")] == [
        f"port {taken[0]} of a",
        f"port {taken[0]} of b",
    ]


def test_an_address_of_another_machine_is_not_called_taken() -> None:
    with pytest.raises(Refused) as caught:
        ports.check([part("edge", Address("192.0.2.1", 8080))])  # TEST-NET-1, RFC 5737
    assert caught.value.sentence == "port 8080 of edge cannot be opened at 192.0.2.1: Cannot assign requested address"


def test_a_port_that_was_just_left_is_free() -> None:
    """Connections of an ended server linger in TIME-WAIT; its successor must not have to wait for them."""
    port = free_port()
    address = ("127.0.0.1", port)
    with (
        socket.create_server(address) as server,
        socket.create_connection(address) as client,
        server.accept()[0] as accepted,
    ):
        accepted.shutdown(socket.SHUT_RDWR)
        client.recv(1)
    assert ports.free(Address("127.0.0.1", port))


def test_a_port_that_the_platform_holds_itself_is_no_obstacle(taken: tuple[int, int]) -> None:
    ports.check([part("edge", Address("127.0.0.1", taken[0]))], {taken[0]})
