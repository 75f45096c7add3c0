"""The edge: one nginx before everything."""

from __future__ import annotations

from lokifi.model.edge import Edge
from lokifi.model.grammar import seconds_of
from lokifi.plan.layout import Layout
from lokifi.plan.stack import Check, Health, Part

CONFIGS = ("nginx/nginx.conf",)
LEAVING = "nginx/leaving"


def part(edge: Edge, layout: Layout, domain: str) -> Part:
    """nginx in the foreground. QUIT lets requests finish (nginx, "Controlling nginx")."""
    status = Check("http", layout.address("edge", "status"), path="/healthz")
    door = layout.listen("edge")
    shown = domain if door.host in ("127.0.0.1", "::1") and domain.endswith("localhost") else str(door.host)
    return Part(
        name="edge",
        group="edge",
        kind="nginx",
        argv=("nginx", "-p", layout.data("edge"), "-e", "stderr", "-c", layout.config(CONFIGS[0]), "-g", "daemon off;"),
        folder=layout.data("edge"),
        ports={"http": door, "status": layout.listen("edge", "status")},
        health=Health(startup=status, ready=status, live=status),
        configs=CONFIGS,
        reload="HUP",
        leaving=layout.config(LEAVING),
        stop="QUIT",
        grace=seconds_of(edge.drain) + 2.0,
        url=f"http://{shown}:{door.port}/",
        minimum=(1, 20),  # -e came with 1.19.5
    )
