"""Whatever the file holds, nginx.conf parses back to it, or it was refused."""

from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import crossplane
import pytest
from hypothesis import HealthCheck, example, given, reject, settings
from hypothesis import strategies as st

from lokifi.kit.errors import Problems, UsageError
from lokifi.model.grammar import bytes_of
from lokifi.plan.stack import Address
from lokifi.targets import nginx
from lokifi.targets.nginx.words import address, size, word
from tests.engines import checked, joined, place, stack_of

SIZES = st.builds("{}{}".format, st.integers(1, 999_999_999), st.sampled_from(["Ki", "Mi", "Gi", "Ti"]))
DURATIONS = st.builds("{}{}".format, st.integers(1, 999_999_999), st.sampled_from(["ms", "s", "m", "h", "d"]))
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,38}[a-z0-9]|[a-z]", fullmatch=True)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABELS, min_size=1, max_size=10).map(".".join)
SEGMENTS = st.text(string.ascii_letters + string.digits + "._~-", min_size=1, max_size=10).filter(
    lambda text: text not in (".", "..")
)
ROUTES = st.lists(SEGMENTS, max_size=4).map(lambda segments: "/" + "/".join(segments))
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parsed(text: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "parsed.conf"
    path.write_text(text)
    found = crossplane.parse(str(path), single=True)
    assert found["status"] == "ok", found["errors"]
    directives: list[dict[str, Any]] = found["config"][0]["parsed"]
    return directives


def flat(directives: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    found = []
    for each in directives:
        found.append((each["directive"], each["args"]))
        found += flat(each.get("block") or [])
    return found


@given(st.text(max_size=60))
@example("a; } server { listen 1; #")
@example("a\nreturn 200")
@example("it's a folder")
@example("a\\")
@example("$host")
@example("")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_word_reads_back_or_is_refused(tmp_path: Path, value: str) -> None:
    try:
        written = word(value)
    except UsageError:
        assert not value.isprintable() or set(value) & set('"\\$')
        return
    assert [each["args"] for each in parsed(f"http {{ root {written}; }}", tmp_path)[0]["block"]] == [[value]]


@given(SIZES)
def test_a_size_stays_what_it_is(value: str) -> None:
    written = size(value)
    number, unit = (written[:-1], written[-1]) if written[-1] in UNITS else (written, "")
    assert int(number) * UNITS[unit] == min(bytes_of(value), 2**63 - 1)


@pytest.mark.parametrize("host", ["::1%; } evil {", "fe80::1%eth0", "a b", "a;b", "", "-x", "evil\n", "$host", "*"])
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(UsageError):
        address(Address(host, 80))


@pytest.mark.parametrize(
    ("host", "written"), [("::1", "[::1]:80"), ("[::1]", "[::1]:80"), ("0.0.0.0", "0.0.0.0:80"), ("api", "api:80")]
)
def test_an_address_is_written_as_nginx_takes_it(host: str, written: str) -> None:
    assert address(Address(host, 80)) == written


@pytest.mark.parametrize(
    ("host", "listens", "names"),
    [
        ("127.0.0.1", "127.0.0.1", ["127.0.0.1"]),
        ("::1", "[::1]", ["[::1]"]),
        ("192.168.1.5", "192.168.1.5", ["192.168.1.5"]),
        ("0.0.0.0", "0.0.0.0", ["~^[0-9.]+$", r"~^\[[0-9a-f:.]+\]$"]),
        ("::", "[::]", ["~^[0-9.]+$", r"~^\[[0-9a-f:.]+\]$"]),
    ],
)
def test_the_platform_answers_to_the_address_it_listens_on(tmp_path: Path, host: str, listens: str, names: list[str]) -> None:
    stack = stack_of("platform: shop\ndomain: shop.test\n", tmp_path)
    edge = stack.parts["edge"]
    door = replace(edge, ports={**edge.ports, "http": Address(host, 8080)})
    (artefact,) = nginx.render(replace(stack, parts={**stack.parts, "edge": door})).artefacts
    found = flat(parsed(joined(artefact.text), tmp_path))
    assert ("listen", [f"{listens}:8080", "default_server"]) in found and ("listen", [f"{listens}:8080"]) in found
    wanted = list(dict.fromkeys(["shop.test", "localhost", "127.0.0.1", "[::1]", *names]))
    assert ("server_name", wanted) in found


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_the_model_accepts_parses_back(tmp_path: Path, data: st.DataObject) -> None:
    name, domain, limit = (
        data.draw(NAMES),
        data.draw(DOMAINS),
        data.draw(SIZES),
    )
    timeout = data.draw(DURATIONS)
    first, second = data.draw(st.lists(ROUTES, min_size=2, max_size=2, unique=True))
    text = (
        f'platform: p\ndomain: "{domain}"\nservices:\n  "{name}x": {{path: api, run: x, routes: ["{first}"]}}\n'
        f'  "{name}y": {{path: site, static: d, routes: ["{second}"]}}\n'
        f'edge: {{body_limit: {limit}, timeout: {timeout}}}\nobservability: {{metrics: "off"}}\n'
    )
    try:
        stack = stack_of(text, tmp_path)
    except Problems:
        reject()
    (artefact,) = nginx.render(stack).artefacts
    found = flat(parsed(joined(artefact.text), tmp_path))
    assert ("proxy_read_timeout", [timeout]) in found
    assert any(directive == "server_name" and domain in arguments for directive, arguments in found)
    assert ("upstream", [f"{name}x"]) in found
    assert {arguments[0].partition("$")[0] for directive, arguments in found if directive == "proxy_pass"} == {
        f"http://{name}x"
    }
    locations = [arguments for directive, arguments in found if directive == "location"]
    for route in (first, second):
        assert [f"{route.rstrip('/')}/"] in locations
    assert sum(directive == "server" and not arguments for directive, arguments in found) == 3


@pytest.mark.engine
@pytest.mark.parametrize("name", ["plain", "a b", "it's; #1 {x}", "Größe 東京", "%s"])
def test_nginx_itself_takes_the_paths_it_is_given(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    text = "platform: shop\nservices:\n  site: {path: site, static: dist, routes: [/, /a/b]}\n"
    stack = stack_of(text, root)
    (path,) = place(nginx, stack, root)
    said = checked(nginx.render(stack).artefacts[0], path, tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    for part in ("client_body", "proxy", "nginx.pid"):
        assert (Path(stack.parts["edge"].folder) / part).exists()


@pytest.mark.parametrize("name", ["$HOME", 'quo"te', "back\\slash"])
def test_a_folder_that_nginx_cannot_be_told_is_refused(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    with pytest.raises(UsageError, match="has no notation"):
        nginx.render(stack_of("platform: shop\n", root))


@pytest.mark.engine
@pytest.mark.parametrize(
    "edge",
    [
        "edge: {body_limit: 999999999Ti, timeout: 999999999d, drain: 999999999d}",
        "edge: {body_limit: 1Ki, timeout: 1ms, drain: 1ms}",
        "domain: " + ".".join(["a" * 62] * 4),
        "domain: localhost",
        "services: {api: {path: api, run: x, routes: [/], scale: 900}}",
    ],
    ids=["most", "least", "longest name", "same name", "900 copies"],
)
def test_nginx_itself_takes_the_bounds_of_the_model(tmp_path: Path, edge: str) -> None:
    stack = stack_of(f"platform: shop\n{edge}\n", tmp_path)
    (path,) = place(nginx, stack, tmp_path)
    said = checked(nginx.render(stack).artefacts[0], path, tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
