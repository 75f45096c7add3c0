"""What the edge promises to services and clients, measured on a real nginx with raw sockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re

import pytest

from tests.engines import eventually
from tests.targets.nginx.conftest import HOST, Edge
from tests.targets.nginx.upstream import MAGIC, connection, exchange, read, request

pytestmark = pytest.mark.engine

KEY = base64.b64encode(b"0123456789abcdef").decode()
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Key": KEY, "Sec_WebSocket_Version": "13"}


def test_the_copy_with_the_fewest_connections_gets_the_next_request(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            asking = [asyncio.create_task(edge.ask("/api/hold")) for _ in range(9)]
            async with asyncio.timeout(5):
                while sum(len(copy.requests) for copy in copies) < 9:
                    await asyncio.sleep(0)
            assert [len(copy.requests) for copy in copies] == [3, 3, 3]
            for copy in copies:
                copy.release.set()
            assert {answer.status for answer in await asyncio.gather(*asking)} == {200}

    asyncio.run(scenario())


def test_with_a_dead_copy_no_request_fails_and_none_is_sent_twice(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            await copies[1].stop()
            for method in ("GET", "POST"):
                answers = [await edge.ask("/api/x", method, body=b"once" if method == "POST" else b"") for _ in range(100)]
                assert [answer.status for answer in answers] == [200] * 100
            assert sum(len(copy.requests) for copy in copies) == 200
            # It is asked again as soon as it is back: no copy is ever banned.
            await copies[1].start()
            for _ in range(30):
                await edge.ask("/api/x")
            assert copies[1].requests

    asyncio.run(scenario())


def test_only_an_idempotent_request_is_sent_again_when_a_copy_dies_with_it(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            answer = await edge.ask("/api/die", "POST", body=b"pay")
            assert answer.status == 502
            assert sum(len(copy.requests) for copy in copies) == 1
            assert (await edge.ask("/api/die")).status == 502
            assert sum(len(copy.requests) for copy in copies) == 1 + 3

    asyncio.run(scenario())


def test_what_a_service_answers_is_its_word(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            assert (await edge.ask("/api/busy")).status == 503
            assert (await edge.ask("/api/teapot")).status == 418
            assert sum(len(copy.requests) for copy in copies) == 2

    asyncio.run(scenario())


def test_a_websocket_passes_and_outlives_the_timeout_of_requests(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies, connection(edge.port) as (reader, writer):
            writer.write(request("GET", "/ws/", HOST, **UPGRADE))
            answer = await asyncio.wait_for(read(reader), 5)
            assert answer.status == 101
            accept = base64.b64encode(hashlib.sha1((KEY + MAGIC).encode()).digest()).decode()
            assert answer.get("sec-websocket-accept") == accept
            asked = next(copy for copy in copies if copy.requests).requests[0]
            assert (asked.get("upgrade"), asked.get("connection"), asked.get("host")) == ("websocket", "upgrade", HOST)
            assert (await edge.ask("/api/late", "POST")).status == 504
            frame = b"\x81\x85\0\0\0\0hello"
            writer.write(frame)
            assert await asyncio.wait_for(reader.readexactly(len(frame)), 5) == frame

    asyncio.run(scenario())


def test_no_other_protocol_gets_through(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2_Settings": "AAMAAABkAAQAAP__"}
            assert (await edge.ask("/api/x", **headers)).status == 200
            asked = next(copy for copy in copies if copy.requests).requests[0]
            assert (asked.get("upgrade"), asked.get("connection")) == ("", "close")

    asyncio.run(scenario())


@pytest.mark.parametrize("target", ["/api", "/api/", "/api/x/y?a=b%20c", "/ws", "/ws/x", "/api/%E2%82%AC"])
def test_a_route_and_what_is_below_it_go_to_the_service_untouched(edge: Edge, target: str) -> None:
    async def scenario() -> None:
        async with edge.copies():
            assert (await edge.ask(target)).json["first"] == f"GET {target} HTTP/1.1"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("target", "title"),
    [
        ("/", "site"),
        ("/apix", "site"),
        ("/wsx/y", "site"),
        ("/adminx", "site"),
        ("/markets/BRK.B", "site"),
        ("/admin/", "admin"),
        ("/admin/users/7", "admin"),
    ],
)
def test_a_navigation_gets_the_page_of_the_nearest_front_end(edge: Edge, target: str, title: str) -> None:
    answer = asyncio.run(edge.ask(target, Accept="text/html,application/xhtml+xml"))
    assert (answer.status, answer.get("content-type")) == (200, "text/html; charset=utf-8")
    assert f"<title>{title}</title>".encode() in answer.body
    assert answer.all("cache-control") == ["no-cache"]


def test_a_front_end_below_a_path_is_entered_through_its_slash(edge: Edge) -> None:
    answer = asyncio.run(edge.ask("/admin?tab=1"))
    assert (answer.status, answer.get("location")) == (301, "/admin/?tab=1")


@pytest.mark.parametrize("prefix", ["", "/admin"])
@pytest.mark.parametrize("name", ["index-DiwrgTda.js", "fonts/inter-B2_x-9aZ.woff2"])
def test_a_file_with_a_hash_in_its_name_is_kept_for_ever(edge: Edge, prefix: str, name: str) -> None:
    answer = asyncio.run(edge.ask(f"{prefix}/assets/{name}"))
    assert answer.status == 200
    assert answer.all("cache-control") == ["public, max-age=31536000, immutable"]


@pytest.mark.parametrize("prefix", ["", "/admin"])
@pytest.mark.parametrize("name", ["/assets/plain.js", "/favicon.ico"])
def test_any_other_file_is_asked_about_every_time(edge: Edge, prefix: str, name: str) -> None:
    answer = asyncio.run(edge.ask(prefix + name))
    assert (answer.status, answer.all("cache-control")) == (200, ["no-cache"])
    again = asyncio.run(edge.ask(prefix + name, If_None_Match=answer.get("etag")))
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("prefix", ["", "/admin"])
@pytest.mark.parametrize("path", ["/assets/gone-DiwrgTda.js", "/assets/gone", "/gone.js", "/.env", "/x/.git/config"])
def test_what_is_missing_or_hidden_is_not_found_and_not_kept(edge: Edge, prefix: str, path: str) -> None:
    accept = "*/*" if path == "/gone.js" else "text/html"
    answer = asyncio.run(edge.ask(prefix + path, Accept=accept))
    assert (answer.status, answer.get("cache-control")) == (404, "")
    assert b"SECRET" not in answer.body


@pytest.mark.parametrize(
    "path", ["/%2e%2e/.env", "/admin../.env", "/admin/..%2f..%2f..%2flokifi.yaml", "/assets/../../../lokifi.yaml"]
)
def test_no_path_leads_out_of_the_built_files(edge: Edge, path: str) -> None:
    answer = asyncio.run(edge.ask(path))
    assert b"SECRET" not in answer.body and b"platform:" not in answer.body
    assert answer.status in (200, 400, 404)


@pytest.mark.parametrize("target", ["/assets/index-DiwrgTda.js", "/", "/api/big"])
def test_text_is_compressed_for_those_who_accept_it(edge: Edge, target: str) -> None:
    async def scenario() -> None:
        async with edge.copies():
            packed, plain = await edge.ask(target, Accept_Encoding="gzip"), await edge.ask(target)
            assert (packed.get("content-encoding"), plain.get("content-encoding")) == ("gzip", "")
            assert "Accept-Encoding" in packed.get("vary") and "Accept-Encoding" in plain.get("vary")
            assert len(packed.body) < len(plain.body) / 4
            if etag := packed.get("etag"):
                assert (await edge.ask(target, Accept_Encoding="gzip", If_None_Match=etag)).status == 304

    asyncio.run(scenario())


def test_fonts_and_small_answers_are_not_compressed(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies():
            for target in ("/assets/fonts/inter-B2_x-9aZ.woff2", "/api/x"):
                assert (await edge.ask(target, Accept_Encoding="gzip")).get("content-encoding") == ""

    asyncio.run(scenario())


@pytest.mark.parametrize("given", ["a", "req_1.2-3", "x" * 64])
def test_a_request_keeps_the_name_its_client_gave_it(edge: Edge, given: str) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            answer = await edge.ask("/api/own", X_Request_ID=given)
            assert answer.all("x-request-id") == [given]
            asked = next(copy for copy in copies if copy.requests).requests[0]
            assert asked.all("x-request-id") == [given]
            assert edge.log(1)[-1]["request_id"] == given

    asyncio.run(scenario())


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a;b", "${jndi:x}", "\xff", "a,b"])
def test_a_request_without_a_proper_name_gets_one(edge: Edge, given: str) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            answer = await edge.ask("/api/x", X_Request_ID=given)
            (name,) = answer.all("x-request-id")
            assert re.fullmatch("[0-9a-f]{32}", name)
            asked = next(copy for copy in copies if copy.requests).requests[0]
            assert asked.all("x-request-id") == [name]

    asyncio.run(scenario())


@pytest.mark.parametrize("target", ["/", "/assets/plain.js", "/gone.js", "/api/x", "/.env"])
def test_every_answer_bears_the_basic_headers_once(edge: Edge, target: str) -> None:
    async def scenario() -> None:
        async with edge.copies():
            answer = await edge.ask(target)
            assert answer.all("x-content-type-options") == ["nosniff"]
            assert answer.all("referrer-policy") == ["strict-origin-when-cross-origin"]
            assert len(answer.all("x-request-id")) == 1
            assert answer.all("server") == ["nginx"]

    asyncio.run(scenario())


def test_a_services_own_policy_stands(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies():
            assert (await edge.ask("/api/own")).all("referrer-policy") == ["no-referrer"]

    asyncio.run(scenario())


def test_services_are_told_who_asks_and_not_what_clients_claim(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            claims = {
                "X_Forwarded_For": "6.6.6.6",
                "X_Forwarded_Proto": "https",
                "X_Forwarded_Host": "evil",
                "Forwarded": "for=6",
                "Proxy": "evil",
            }
            await edge.ask("/api/x", host=f"{HOST}:{edge.port}", **claims)
            asked = next(copy for copy in copies if copy.requests).requests[0]
            told = {name: asked.get(name) for name in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "host")}
            name = f"{HOST}:{edge.port}"
            assert told == {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-host": name, "host": name}
            assert not asked.all("forwarded") and not asked.all("proxy")

    asyncio.run(scenario())


def test_a_host_header_that_contradicts_the_request_line_is_replaced(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            raw = request("GET", f"http://{HOST}/api/x", "evil.example")
            assert (await exchange(edge.port, raw)).status == 200
            asked = next(copy for copy in copies if copy.requests).requests[0]
            assert asked.get("host") == HOST

    asyncio.run(scenario())


@pytest.mark.parametrize("host", [HOST, "SHOP.test", "localhost", "127.0.0.1", "[::1]", f"{HOST}:8080", "localhost:1"])
def test_the_platform_answers_to_its_names(edge: Edge, host: str) -> None:
    assert asyncio.run(edge.ask("/", host=host)).status == 200


@pytest.mark.parametrize("host", ["evil.example", f"{HOST}.evil.example", "x.shop.test", "10.0.0.1", "_", ""])
def test_any_other_host_is_refused(edge: Edge, host: str) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            # An empty one is malformed.
            assert (await edge.ask("/api/x", host=host)).status == (421 if host else 400)
            assert not any(copy.requests for copy in copies)

    asyncio.run(scenario())


def test_a_body_up_to_the_limit_passes_and_one_byte_more_does_not(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            assert (await edge.ask("/api/x", "POST", body=b"x" * 65536)).json["length"] == 65536
            assert (await edge.ask("/api/x", "POST", body=b"x" * 65537)).status == 413
            assert sum(len(copy.requests) for copy in copies) == 1

    asyncio.run(scenario())


def test_the_log_is_one_json_object_a_line_whatever_a_client_sends(edge: Edge) -> None:
    hostile = 'a"b\\c\t{"x":1}\x7f\xff\xe2\x28 ${jndi:ldap://x}'

    async def scenario() -> None:
        async with edge.copies():
            await edge.ask('/api/x?q="},{%22:\\\xff%0a%00', User_Agent=hostile)
            await edge.ask("/", "POST", body=b"x")
            async with connection(edge.port) as (reader, writer):
                writer.write(b"\x16\x03\x01\x02nonsense\r\n\r\n")
                await asyncio.wait_for(reader.read(), 5)

    asyncio.run(scenario())
    first, second, third = edge.log(3)
    assert str(first["uri"]).startswith('/api/x?q="},{%22:\\') and str(first["agent"]).startswith('a"b\\c')
    assert (first["status"], first["method"], first["host"], first["client"]) == (200, "GET", HOST, "127.0.0.1")
    assert isinstance(first["seconds"], float) and isinstance(first["bytes"], int)
    assert re.fullmatch(r"127\.0\.0\.1:\d+", str(first["upstream"])) and float(str(first["upstream_seconds"])) >= 0
    assert (second["status"], second["upstream"]) == (405, "")
    assert third["status"] == 400
    assert set(first) == set(second) == set(third)


def test_the_private_server_answers_probes_and_counts_connections(edge: Edge) -> None:
    async def scenario() -> None:
        health = await exchange(edge.private, request("GET", "/healthz", "127.0.0.1"))
        status = await exchange(edge.private, request("GET", "/stub_status", "127.0.0.1"))
        other = await exchange(edge.private, request("GET", "/", "127.0.0.1"))
        assert (health.status, health.body, other.status) == (200, b"ok\n", 404)
        assert re.search(rb"^Active connections: [1-9]", status.body)
        for path in ("/healthz", "/stub_status"):
            assert (await edge.ask(path)).body[:7] == b"<title>"

    asyncio.run(scenario())


def test_a_reload_lets_requests_finish_and_warns_of_nothing(edge: Edge) -> None:
    async def scenario() -> None:
        async with edge.copies() as copies:
            asking = asyncio.create_task(edge.ask("/api/hold"))
            async with asyncio.timeout(5):
                while not any(copy.requests for copy in copies):
                    await asyncio.sleep(0)
            edge.reload()
            for copy in copies:
                copy.release.set()
            assert (await asking).status == 200

    asyncio.run(scenario())
    eventually(lambda: len(edge.workers()) == 2, what="the old workers are still there")
    assert "[warn]" not in edge.started.text and "[alert]" not in edge.started.text
