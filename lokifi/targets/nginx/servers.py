"""Upstreams, servers and locations: which request goes to which service."""

from __future__ import annotations

import ipaddress

from lokifi.plan.stack import Address, Part, Stack
from lokifi.targets.nginx.http import HEADERS
from lokifi.targets.nginx.words import address, word

WEBSOCKET_TIMEOUT = "1h"
"""Longest silence on a WebSocket; `proxy_read_timeout` takes no variables, hence the locations of their own."""

AS_SENT = "$request_uri"
"""A path goes on byte by byte; without this nginx would decode and encode it anew once it has been rewritten."""

PASSAGE = "/-leaving-"
"""Where requests pass through on their way, while a worker is about to leave; no client can ask for it."""


def upstreams(stack: Stack) -> str:
    """One group of servers for each service that the edge leads to.

    `zone` lets the workers count connections together. `max_fails=0`: with nginx's default a copy that restarts stays
    banned for ten seconds, and the next restart finds no copy left; a refused connection costs far less than a
    millisecond and is tried elsewhere at once.
    """
    blocks = []
    for name, service in stack.platform.services.items():
        if service.run and service.routes:
            parts = stack.group(name)
            servers = "".join(f"        server {address(part.ports['http'])} max_fails=0;\n" for part in parts)
            # 2 kB of shared memory hold what nginx knows of one server.
            zone = f"{max(64, 2 * len(parts))}k"
            blocks.append(
                f"    upstream {word(name)} {{\n        zone {word(name)} {zone};\n        least_conn;\n{servers}    }}\n"
            )
    if not blocks:
        return ""
    why = """\
    # No `keepalive`: a request on an idle connection that the service is closing would be lost,
    # and one that is not idempotent must not be sent again.
"""
    return why + "\n".join(blocks)


def servers(stack: Stack, edge: Part) -> str:
    """The refusing server, the platform's, and the private one for probes."""
    door = address(edge.ports["http"])
    return f"""\
    # Who asks for a host that is not ours: DNS rebinding, or a name that leads here by mistake.
    server {{
        listen {door} default_server;
        server_name "";
        return 421;
    }}

    server {{
        listen {door};
        server_name {" ".join(_names(stack, edge.ports["http"]))};
{_indented(HEADERS, 8)}
{_indented(_leaving(edge), 8)}
{_locations(stack)}    }}

    server {{
        listen {address(edge.ports["status"])} default_server;
        server_name "";
        access_log off;
        location = /healthz {{
            default_type text/plain;
            return 200 "ok\\n";
        }}
        location = /stub_status {{
            stub_status;
        }}
        location / {{
            return 404;
        }}
    }}
"""


def _leaving(edge: Part) -> tuple[str, ...]:
    """How a worker that is about to be replaced lets go of its connections without losing a request.

    At a reload nginx closes idle connections at once, and a request that crosses such a close on its way is lost
    (`keepalive_min_timeout` ends that, from nginx 1.27.4 on). So the runtime first asks the workers, each by a file named
    by its number, to end every connection with its next answer, `Connection: close`. The way through a location without
    keep-alive does that: nginx never takes it back (`ngx_http_update_location_config`).
    """
    folder = word(edge.leaving).strip('"')
    return (
        "# A worker that is about to be replaced ends each connection with its next answer.",
        f'if (-f "{folder}/$pid") {{',
        f"    rewrite ^ {PASSAGE}$uri last;",
        "}",
        f"location ^~ {PASSAGE} {{",
        "    internal;",
        "    keepalive_timeout 0;",
        f'    rewrite "(?s)^{PASSAGE}(.*)$" $1 last;',
        "}",
    )


def _names(stack: Stack, door: Address) -> list[str]:
    names = [word(stack.platform.domain), "localhost", "127.0.0.1", "[::1]"]
    host = door.host.strip("[]")
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        names.append(word(host))
    else:
        # On every address of the machine any of them may be meant; a name is what rebinding needs.
        anywhere = [r'"~^[0-9.]+$"', r'"~^\[[0-9a-f:.]+\]$"']
        names += anywhere if ip.is_unspecified else [word(f"[{ip}]" if ip.version == 6 else str(ip))]
    return list(dict.fromkeys(names))


def _locations(stack: Stack) -> str:
    blocks, sockets, whole = [], [], False
    for name, service in stack.platform.services.items():
        for route in service.routes:
            prefix = route.rstrip("/")
            whole = whole or not prefix
            blocks.append(_static(prefix, stack.statics[name]) if service.static else _proxied(prefix, name))
        if service.run and service.routes:
            sockets.append(_websocket(name))
    if not whole:
        blocks.append(_block("location /", ("return 404;",)))
    return "\n".join(blocks + sockets)


def _proxied(prefix: str, name: str) -> str:
    """`/api` and what is below it, but not `/apix`."""
    # `return` is one of the two directives that do in `if` what they say; a service's own 418 is not intercepted.
    body = (
        f"error_page 418 = {_socket(name)};",
        "if ($websocket) {",
        "    return 418;",
        "}",
        f"proxy_pass http://{word(name)}{AS_SENT};",
    )
    heads = (f"location = {word(prefix)}", f"location {word(prefix)}/") if prefix else ("location /",)
    return "\n".join(_block(head, body) for head in heads)


def _websocket(name: str) -> str:
    timeouts = (f"proxy_read_timeout {WEBSOCKET_TIMEOUT};", f"proxy_send_timeout {WEBSOCKET_TIMEOUT};")
    return _block(f"location {_socket(name)}", (*timeouts, f"proxy_pass http://{word(name)}{AS_SENT};"))


def _socket(name: str) -> str:
    return word(f"@{name}-websocket")


def _static(prefix: str, folder: str) -> str:
    place = f"alias {word(f'{folder}/')};" if prefix else f"root {word(folder)};"
    body = (
        place,
        f"try_files $uri $uri/index.html {word(prefix) if prefix else ''}$page =404;",
        *HEADERS,
        "add_header Cache-Control $cache_control;",
        f"location {word(prefix)}/assets/ {{" if prefix else "location /assets/ {",
        "    try_files $uri =404;",
        "}",
        r'location ~ "/\.(?!well-known/)" {',
        "    return 404;",
        "}",
    )
    root = _block(f"location {word(prefix)}/" if prefix else "location /", body)
    if not prefix:
        return root
    return _block(f"location = {word(prefix)}", (f"return 301 {word(prefix)}/$is_args$args;",)) + "\n" + root


def _block(head: str, body: tuple[str, ...]) -> str:
    return f"        {head} {{\n{_indented(body, 12)}        }}\n"


def _indented(lines: tuple[str, ...], columns: int) -> str:
    return "".join(f"{' ' * columns}{line}\n" for line in lines)
