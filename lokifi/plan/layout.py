"""Where things are: addresses and folders, the only difference between one runtime and another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lokifi.kit.errors import UsageError
from lokifi.plan.stack import Address

STATE_FOLDER = ".lokifi"
LAST_PORT = 65535


class Layout(Protocol):
    """How a part of the stack sees the others and its own files."""

    @property
    def account(self) -> str:
        """The account that the parts run as."""
        ...

    def address(self, part: str, port: str = "http") -> Address:
        """Where others reach a port of a part."""
        ...

    def listen(self, part: str, port: str = "http") -> Address:
        """What a part binds for a port."""
        ...

    def config(self, path: str) -> str:
        """The absolute path of a rendered artefact."""
        ...

    def data(self, part: str) -> str:
        """The absolute folder that a part keeps its data in."""
        ...

    def static(self, service: str) -> str:
        """The absolute folder of a service's built files."""
        ...

    def source(self, path: str) -> str:
        """The absolute path of something below the project."""
        ...


@dataclass(frozen=True)
class LocalLayout:
    """Plain processes on this machine: loopback ports, one folder an environment."""

    root: str
    environment: str
    ports: Mapping[str, int]
    door: Address
    account: str

    @property
    def state(self) -> str:
        return f"{self.root}/{STATE_FOLDER}/{self.environment}"

    def address(self, part: str, port: str = "http") -> Address:
        return Address("127.0.0.1", self.ports[f"{part}.{port}"])

    def listen(self, part: str, port: str = "http") -> Address:
        return self.door if (part, port) == ("edge", "http") else self.address(part, port)

    def config(self, path: str) -> str:
        return f"{self.state}/config/{path}"

    def data(self, part: str) -> str:
        return f"{self.state}/data/{part}"

    def static(self, service: str) -> str:
        return f"{self.state}/static/{service}"

    def source(self, path: str) -> str:
        return f"{self.root}/{path}"


def allocate(wanted: Iterable[str], base: int, previous: Mapping[str, int]) -> dict[str, int]:
    """A port for each wanted `part.port`, the first one exactly `base`.

    What had a port keeps it, so that adding or removing a part moves no other; the rest take the lowest numbers above
    that nothing had before, for what had them may still run while the change is made. When the base has changed, all
    are dealt anew. Raises `UsageError` when the numbers end (65535).
    """
    names = list(wanted)
    kept = {name: port for name, port in previous.items() if name in names}
    if names and kept.get(names[0]) != base:
        kept = {}
    taken = {*previous.values(), base}
    ports: dict[str, int] = {}
    following = base
    for index, name in enumerate(names):
        if index == 0:
            ports[name] = base
            continue
        if name not in kept:
            while following in taken:
                following += 1
            taken.add(following)
            if following > LAST_PORT:
                raise UsageError(f"there are not enough ports above {base}", hint="lower the port of edge.listen, or the scale")
        ports[name] = kept.get(name, following)
    return ports
