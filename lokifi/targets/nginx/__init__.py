"""The edge: one nginx before everything, 1.20 or newer, as an unprivileged user in the foreground."""

from __future__ import annotations

from lokifi.contracts import Artefact, Rendering
from lokifi.plan.parts.nginx import CONFIGS
from lokifi.plan.stack import Part, Stack
from lokifi.targets.nginx.http import GZIP, LOG, MAPS, TYPES, folders, limits, proxy
from lokifi.targets.nginx.servers import WEBSOCKET_TIMEOUT, servers, upstreams
from lokifi.targets.nginx.words import word
from lokifi.targets.text import HEADER

ABOUT = "nginx.conf of the edge"


def render(stack: Stack) -> Rendering:
    """`nginx.conf`; nothing when the stack has no edge. Raises `UsageError` for a path that nginx has no notation for."""
    edge = stack.parts.get("edge")
    if edge is None:
        return Rendering(())
    checker = ("nginx", "-t", "-q", "-e", "stderr", "-c", "{}")
    return Rendering((Artefact(CONFIGS[0], (_config(stack, edge),), checker=checker),))


def _config(stack: Stack, edge: Part) -> str:
    """https://nginx.org/en/docs/. Two workers, which saturate a laptop's loopback, with room for 1,000 WebSockets each."""
    settings = stack.platform.edge
    blocks = (
        folders(edge.folder),
        TYPES,
        LOG,
        MAPS,
        limits(settings),
        GZIP,
        proxy(settings),
        upstreams(stack),
        servers(stack, edge),
    )
    body = "\n".join(block for block in blocks if block)
    return f"""\
{HEADER}

worker_processes 2;
worker_rlimit_nofile 4096;
# After a reload, requests and WebSockets that began before it end with their clients.
worker_shutdown_timeout {WEBSOCKET_TIMEOUT};
pid {word(f"{edge.folder}/nginx.pid")};
error_log stderr warn;

events {{
    worker_connections 2048;
}}

http {{
{body}}}
"""
