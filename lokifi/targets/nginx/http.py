"""The `http` block's settings that hold for every server: types, log, maps, compression, how services are asked."""

from __future__ import annotations

from lokifi.model.edge import Edge
from lokifi.model.grammar import seconds_of
from lokifi.targets.nginx.words import duration, size, word

LONGEST_RETRY = 15.0
"""Seconds after which a request goes to no other copy, however it failed.

Longer than it takes to find and kill a hung copy with the default probes (three times a period of 1 s and a time-out of
2 s), so that what waited for it is answered by another.
"""

TYPES = """\
    types {
        text/html html htm;
        text/css css;
        text/javascript js mjs;
        text/plain txt;
        text/xml xml;
        application/json json map;
        application/manifest+json webmanifest;
        application/pdf pdf;
        application/wasm wasm;
        audio/mpeg mp3;
        audio/ogg ogg;
        font/otf otf;
        font/ttf ttf;
        font/woff woff;
        font/woff2 woff2;
        image/avif avif;
        image/gif gif;
        image/jpeg jpg jpeg;
        image/png png;
        image/svg+xml svg;
        image/webp webp;
        image/x-icon ico;
        video/mp4 mp4;
        video/webm webm;
    }
    default_type application/octet-stream;
    charset utf-8;
    charset_types text/css text/javascript text/plain text/xml application/json application/manifest+json;
"""

LOG = """\
    # One JSON object a line. A connection that ended without an answer has the status 000, which is no JSON number.
    map $status $answered {
        default $status;
        "~^0" 0;
    }
    log_format json escape=json
        '{"time":"$time_iso8601","request_id":"$request_name","client":"$remote_addr","host":"$host",'
        '"method":"$request_method","uri":"$request_uri","protocol":"$server_protocol","status":$answered,'
        '"bytes":$bytes_sent,"seconds":$request_time,"upstream":"$upstream_addr",'
        '"upstream_seconds":"$upstream_response_time","agent":"$http_user_agent"}';
    access_log /dev/stdout json;
    log_not_found off;
"""

MAPS = r"""    # The client's name for its request, when it is one, else a random one.
    map $http_x_request_id $request_name {
        default $request_id;
        "~^[A-Za-z0-9._-]{1,64}$" $http_x_request_id;
    }

    # What the client called the server, port included, but never another host than the one that was checked.
    map "$host $http_host" $authority {
        default $host;
        "~*^(\S+) \1\.?(:[0-9]+)?$" $http_host;
    }

    # WebSocket is the only protocol that a connection may change to: another, passed on, would bypass this proxy.
    map $http_upgrade $websocket {
        default "";
        "~*^websocket$" websocket;
    }
    map $websocket $connection_header {
        default upgrade;
        "" close;
    }

    # Files with a hash in their names never change.
    map $uri $cache_control {
        default no-cache;
        "~/assets/(.+/)?[^/]*-[A-Za-z0-9_-]{8,}\.[^/]+$" "public, max-age=31536000, immutable";
    }

    # A path that is no file leads to the page, whose script knows it; one that ends like a file is missing,
    # unless somebody navigates there.
    map $http_accept $navigation {
        default "";
        "~text/html" yes;
    }
    map "$navigation:$uri" $page {
        default /index.html;
        "~^:.*\.[A-Za-z0-9]+$" /.;
    }

    # A service's own word on these goes before the edge's.
    map $upstream_http_x_content_type_options $content_type_options {
        default "";
        "" nosniff;
    }
    map $upstream_http_referrer_policy $referrer_policy {
        default "";
        "" strict-origin-when-cross-origin;
    }
"""

GZIP = """\
    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_min_length 1024;
    gzip_comp_level 5;
    gzip_types text/css text/javascript text/plain text/xml application/javascript application/json
        application/manifest+json application/problem+json application/wasm image/svg+xml;
"""

HEADERS = (
    "add_header X-Request-ID $request_name always;",
    "add_header X-Content-Type-Options $content_type_options always;",
    "add_header Referrer-Policy $referrer_policy always;",
)
"""A location with an `add_header` of its own inherits none of the server's: there they stand again."""


def folders(data: str) -> str:
    """Where nginx keeps bodies too large for memory: all below its data folder, so that it needs no right elsewhere."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"    {kind}_temp_path {word(f'{data}/{kind}')};\n" for kind in kinds)


def limits(edge: Edge) -> str:
    """What a client may send, and how slowly. Headers get 16 kB each: signed cookies outgrow nginx's 8 kB."""
    return f"""\
    sendfile on;
    tcp_nopush on;
    server_tokens off;
    absolute_redirect off;
    server_names_hash_bucket_size 512;
    client_max_body_size {size(edge.body_limit)};
    client_header_timeout 15s;
    client_body_timeout 30s;
    large_client_header_buffers 4 16k;
"""


def proxy(edge: Edge) -> str:
    """How services are asked: https://nginx.org/en/docs/http/ngx_http_proxy_module.html.

    `error` and `timeout` are the failures that another copy may not have; a 502 or 503 that a service answers is its
    word, and asking all copies again would triple the load that made it. nginx passes a request that is not
    idempotent on only when nothing of it has been sent, as when a connection is refused.
    """
    bound = duration(edge.timeout) if seconds_of(edge.timeout) < LONGEST_RETRY else f"{LONGEST_RETRY:.0f}s"
    return f"""\
    proxy_http_version 1.1;
    proxy_connect_timeout 1s;
    proxy_send_timeout {duration(edge.timeout)};
    proxy_read_timeout {duration(edge.timeout)};
    proxy_next_upstream error timeout;
    proxy_next_upstream_tries 3;
    proxy_next_upstream_timeout {bound};
    proxy_redirect off;
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;
    proxy_hide_header X-Request-ID;
    proxy_set_header Host $authority;
    proxy_set_header Connection $connection_header;
    proxy_set_header Upgrade $websocket;
    proxy_set_header X-Request-ID $request_name;
    # This is the first proxy: what a client says about others before it is not believed.
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $authority;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header Forwarded "";
    proxy_set_header Proxy "";
"""
