"""Row 75: each generated secret is looked for in every place where it must not be."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests.e2e.platform import Platform, raw_environment
from tests.e2e.traffic import get

# Who has it in its variables, by what the file says: references to the stores, and `secrets`.
HOLDERS = {"SECRET_KEY": {"backend"}, "postgres-password": {"backend", "ticker"}, "redis-password": {"backend", "ticker"}}
COMMANDS = [
    ("status", "--json"),
    ("plan", "--json"),
    ("explain", "--json"),
    ("explain",),
    ("doctor", "--json"),
    ("check", "--json"),
    ("events", "--json"),
    ("logs", "--json"),
]


@pytest.fixture
def secrets(markets: Platform) -> dict[str, bytes]:
    """Every value that was generated, by its name."""
    found = {path.name: path.read_bytes().strip() for path in (markets.folder / "secrets").iterdir()}
    assert set(found) == set(HOLDERS) and all(len(value) >= 20 for value in found.values())
    assert len(set(found.values())) == 3
    return found


def holds(raw: bytes, value: bytes) -> bool:
    """Whether the secret is in there, as it is or as a part of a URL."""
    return value in raw or quote(value.decode(), safe="").encode() in raw


def test_no_command_line_shows_a_secret(markets: Platform, secrets: dict[str, bytes]) -> None:
    """Of no process of the machine."""
    for process in psutil.process_iter():
        try:
            words = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        except OSError:
            continue
        assert not any(holds(words, value) for value in secrets.values()), process.pid


def test_only_the_parts_that_were_given_a_secret_have_it(markets: Platform, secrets: dict[str, bytes]) -> None:
    """In their variables. The supervisor, the edge, the stores and Prometheus have none in theirs."""
    names = {pid: name for name, pid in markets.pids().items()}
    for pid in markets.processes():
        variables = raw_environment(pid)
        for secret, value in secrets.items():
            expected = names.get(pid, "").partition("-")[0] in HOLDERS[secret]
            assert holds(variables, value) == expected, f"{secret} in {names.get(pid, markets.processes().get(pid))}"


def test_no_log_no_history_and_no_open_file_holds_a_secret(markets: Platform, secrets: dict[str, bytes]) -> None:
    """Whatever holds one on the disk is 0600, and lies where secrets, state or a store's own configuration lie."""
    for path in markets.root.rglob("*"):
        if path.is_symlink() or not path.is_file() or "node_modules" in path.parts:
            continue
        raw = path.read_bytes()
        for name, value in secrets.items():
            if holds(raw, value):
                inside = path.relative_to(markets.folder).parts
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, f"{name} in {path}"
                assert inside[0] in ("secrets", "run", "config"), f"{name} in {path}"


def test_no_answer_of_the_command_line_holds_a_secret(markets: Platform, secrets: dict[str, bytes]) -> None:
    """Neither what is printed for people nor what is printed for programs."""
    for words in COMMANDS:
        said = markets.run(*words).said.encode()
        assert said and not any(holds(said, value) for value in secrets.values()), words


def test_rendered_files_hold_references(markets: Platform, secrets: dict[str, bytes], tmp_path: Path) -> None:
    """`render` is for reading and for sharing."""
    markets.run("render", "--into", str(tmp_path / "infra"))
    files = [path for path in (tmp_path / "infra").rglob("*") if path.is_file()]
    assert len(files) >= 5
    for path in files:
        assert not any(holds(path.read_bytes(), value) for value in secrets.values()), path


def test_http_errors_and_metrics_hold_no_secret(markets: Platform, secrets: dict[str, bytes]) -> None:
    """What the platform tells strangers, and Prometheus."""
    answers = [
        get(markets.door, path, "markets.localhost")[1] for path in ("/api/none", "/api/markets/NONE/candles", "/api/ready")
    ]
    for row in markets.status().values():
        if row["group"] in ("backend", "ticker"):
            answers.append(get(int(row["ports"]["http"].rpartition(":")[2]), "/metrics")[1])
    assert not any(holds(answer, value) for answer in answers for value in secrets.values())


def test_files_and_folders_keep_their_modes_under_umask_000(markets: Platform) -> None:
    """Row 76. The platform was made under umask 000: secrets, state and logs are private, nothing else is open for writing."""
    for name in ("secrets", "run", "logs"):
        folder = markets.folder / name
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for path in folder.iterdir():
            if path.is_file():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for name in ("config", "data", "static"):
        for path in (markets.folder / name).rglob("*"):
            if not path.is_symlink() and not path.is_socket():
                assert stat.S_IMODE(path.lstat().st_mode) & 0o022 == 0, path
    for path in (markets.folder / "data").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
