"""`edge`: the one door of the platform, an nginx."""

from __future__ import annotations

from pydantic import Field

from lokifi.model.grammar import Address, Duration, Section, Size


class Edge(Section):
    """Where it listens and what it lets through."""

    listen: Address = Field(
        "127.0.0.1:8080", description="its address here; the other parts' ports count up from it, on loopback"
    )
    body_limit: Size = Field("1Mi", description="largest request body")
    timeout: Duration = Field("60s", description="longest wait for a service's answer")
    drain: Duration = Field("30s", description="longest wait for open connections when the edge stops")
