"""Real servers and real processes for the tests: found, started, awaited, stopped."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

BACKEND = Path(__file__).resolve().parent.parent
DEBIAN_REDIS = (
    "redis-server",
    "redis-tools",
    "libjemalloc2",
    "liblzf1",
    "liblua5.1-0",
    "lua-cjson",
    "lua-bitop",
)

T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str, seconds: float = 15.0) -> T:
    """Wait until `condition` returns something true, and return that; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


def free_port() -> int:
    """A free port below the ephemeral range, so that no outgoing connection takes it in the meantime."""
    for _ in range(200):
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no free port")


def listens(port: int) -> bool:
    """Whether somebody answers on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child whose output is kept in a file."""

    def __init__(self, arguments: list[str], environment: dict[str, str], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{Path(arguments[0]).name}-{time.monotonic_ns()}.log"
        self.errors = self.log.with_suffix(".err")
        with self.log.open("wb") as out, self.errors.open("wb") as err:
            self.child = subprocess.Popen(
                arguments, env=environment, cwd=BACKEND, stdout=out, stderr=err, start_new_session=True
            )

    def output(self) -> str:
        """Everything it wrote to standard output."""
        return self.log.read_text()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Send a signal and wait for the end; return the exit code."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise


def _unprivileged() -> list[str]:
    """What to put before a program that refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]


class Postgres:
    """A PostgreSQL of our own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "pg"
        self.port = free_port()
        initdb = [_find("initdb"), "-D", str(self._data), "-U", "postgres", "--auth=trust", "-N"]
        subprocess.run([*_unprivileged(), *initdb], check=True, stdout=subprocess.DEVNULL)
        self.process: Process | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        arguments = [_find("postgres"), "-D", str(self._data), "-p", str(self.port), "-F"]
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        self.process = Process(
            [*_unprivileged(), *arguments, *settings], dict(os.environ), self._folder / "logs"
        )
        until(lambda: listens(self.port), "PostgreSQL listens")
        until(lambda: self.sql("SELECT 1", check=False) == "1", "PostgreSQL answers")

    def stop(self) -> None:
        """Stop it the fast way: sessions are ended."""
        if self.process is not None:
            self.process.stop(signal.SIGINT)
            self.process = None

    def sql(self, text: str, database: str = "postgres", check: bool = True) -> str:
        """Run `text` with psql; return its bare output."""
        done = subprocess.run(
            [_find("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", text],
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout.strip()

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def lock(self, table: str, database: str) -> Iterator[None]:
        """Keep everybody from reading `table`."""
        arguments = [_find("psql"), "-XAtq", "-d", self.url(database)]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as psql:
            assert psql.stdin is not None
            assert psql.stdout is not None
            psql.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n")
            psql.stdin.flush()
            assert psql.stdout.readline() == "locked\n"
            try:
                yield
            finally:
                psql.stdin.close()

    def waiting(self, database: str) -> bool:
        """Whether a session waits for a lock."""
        sql = "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid WHERE NOT granted"
        return self.sql(f"{sql} AND datname = '{database}'") != "0"

    def create(self) -> str:
        """A new, empty database; return its name."""
        name = f"test_{time.monotonic_ns()}"
        self.sql(f"CREATE DATABASE {name}")
        return name


class Redis:
    """A Redis of our own that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: Process | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        program, libraries = _redis_server(self._folder)
        environment = dict(os.environ)
        if libraries:
            environment["LD_LIBRARY_PATH"] = libraries
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self.process = Process([program, *options], environment, self._folder / "logs")
        until(lambda: listens(self.port), "Redis listens")

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.stop()
            self.process = None


def _find(program: str) -> str:
    given = os.environ.get("MARKETS_TEST_POSTGRES_BIN")
    folders = [Path(given)] if given else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / program).exists():
            return str(folder / program)
    found = shutil.which(program)
    assert found, f"{program} not found — install PostgreSQL or set MARKETS_TEST_POSTGRES_BIN to its folder"
    return found


def _redis_server(folder: Path) -> tuple[str, str]:
    """A redis-server or valkey-server and its library folder, "" for the system's own."""
    given = os.environ.get("MARKETS_TEST_REDIS_SERVER")
    program = given or shutil.which("redis-server") or shutil.which("valkey-server")
    if program:
        relocated = sorted(Path(program).parent.parent.glob("lib/*-linux-gnu")) if given else []
        return program, ":".join(map(str, relocated))
    # The distribution's own package, unpacked beside the tests: nothing is installed, no service starts.
    prefix = Path(tempfile.gettempdir()) / f"markets-test-redis-{os.getuid()}"
    program = str(prefix / "usr/bin/redis-server")
    if not Path(program).exists():
        _unpack(prefix, folder)
    return program, ":".join(map(str, (prefix / "usr/lib").glob("*-linux-gnu")))


def _unpack(prefix: Path, folder: Path) -> None:
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["apt-get", "download", *DEBIAN_REDIS], cwd=packages, check=True, stdout=subprocess.DEVNULL
    )
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(prefix)], check=True)


def environment(database_url: str, redis_url: str, **more: str) -> dict[str, str]:
    """The environment of one of our own processes."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return {
        **kept,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "a secret for tests",
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def module(name: str) -> list[str]:
    """The arguments that run one of our modules with this Python."""
    return [sys.executable, "-m", name]


def migrate(database_url: str) -> subprocess.CompletedProcess[str]:
    """Run the migration to its end."""
    return subprocess.run(
        module("markets.migrate"),
        env=environment(database_url, ""),
        cwd=BACKEND,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
