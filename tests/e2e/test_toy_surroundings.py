"""Poor surroundings: no descriptors, no space, no colour, no locale, no home, no output, no clock one can trust."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import Platform, wait_for
from tests.e2e.toys import ONE, WEB, Toys, toys
from tests.e2e.traffic import get

SECRET = "    secrets: [KEY]\nsecrets: {KEY: generated}\n"
REDIS = SECRET + "stores: {redis: {version: 7}}\n"


def test_ulimit_64_is_enough(toy: Toys) -> None:
    """Row 16. With 64 descriptors the platform starts, heals and ends."""
    platform = toy(WEB)
    few = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
    platform.run("up", before=few)
    platform.kill(platform.pids()["web-1"])
    wait_for(platform.all_ready)
    platform.run("status", before=few)


def test_umask_000_leaves_secrets_private(toy: Toys) -> None:
    """Row 76. Files that hold a secret are 0600 in folders of 0700, and nothing of the environment is open for writing."""
    platform = toy(ONE + REDIS)
    platform.run("up", before=("sh", "-c", 'umask 000; exec "$@"', "sh"))
    secrets = [path.read_bytes().strip() for path in (platform.folder / "secrets").iterdir()]
    assert len(secrets) == 2
    for path in platform.folder.rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink() or path.is_socket():
            continue
        assert mode & 0o022 == 0, f"{path} {mode:o}"
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets):
            assert mode == 0o600, f"{path} {mode:o}"
    for name in ("secrets", "run", "logs"):
        assert stat.S_IMODE((platform.folder / name).stat().st_mode) == 0o700


MATRIX = {
    "dumb terminal": {"TERM": "dumb"},
    "no locale": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin": {"LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"},
    "nothing": {"TERM": None, "LANG": None, "LC_ALL": None, "USER": None, "SHELL": None},
    "no home": {"HOME": "/nonexistent", "XDG_CACHE_HOME": None},
}


def test_every_surrounding_gives_the_same_platform(toy: Toys) -> None:
    """Row 19. Terminal, locale and home of the caller change how it is told, never whether it works."""
    platform = toy(ONE)
    platform.run("setup")
    for name, changes in MATRIX.items():
        cache = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")} if name == "no home" else {}
        given = {**changes, **cache}
        platform.run("up", env=given)
        result = platform.run("status", env=given)
        assert "ready" in result.out and "\x1b" not in result.said, name
        assert json.loads(platform.run("status", "--json", env=given).out)["ready"] is True, name
    assert platform.all_ready()


def test_a_home_that_cannot_be_written_is_no_obstacle(toy: Toys) -> None:
    """Row 19. A HOME on which every write fails (a file below /proc is one for root, too): the programs are found, nothing is
    fetched, the platform runs."""
    platform = toy(ONE)
    programs = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lokifi"
    names = {row["name"]: row["path"] for row in platform.run("doctor", "--json").json["programs"]}
    assert "nginx" in names
    home = platform.root / "home"
    (home / ".cache").mkdir(parents=True)
    (home / ".cache" / "lokifi").symlink_to(programs)
    for folder in (home / ".cache", home):
        folder.chmod(0o555)
    platform.run("up", env={"HOME": str(home), "XDG_CACHE_HOME": None})
    assert platform.all_ready()


@pytest.mark.parametrize("stream", ["stdout", "stderr", "both"])
def test_closed_output_is_endured(toy: Toys, stream: str) -> None:
    """Row 19. `>&-` closes it before the command starts."""
    platform = toy(ONE)
    shut = {"stdout": ">&-", "stderr": "2>&-", "both": ">&- 2>&-"}[stream]
    platform.run("up", before=("sh", "-c", f'exec "$@" {shut}', "sh"))
    assert platform.all_ready()


def test_a_reader_that_goes_away_ends_the_command_silently(toy: Toys) -> None:
    """Row 19. EPIPE, as with `| head -1`: no traceback, and the platform is not touched."""
    platform = toy.up(ONE)
    for words in (["status"], ["logs"], ["events", "--json"], ["explain"]):
        line = subprocess.run(
            ["sh", "-c", '"$@" | true', "sh", sys.executable, "-m", "lokifi", *words],
            cwd=platform.root,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert line.stderr == "", words
    assert platform.all_ready()


def test_a_removed_log_is_made_anew_and_nothing_is_lost(toy: Toys) -> None:
    """Row 29. Somebody deletes or moves the file of a part that keeps writing."""
    platform = toy.up(ONE)
    log = platform.folder / "logs" / "web.log"
    pid = platform.pids()["web"]
    wait_for(log.with_name("web.log.index").exists, 5, "the supervisor keeps it")
    for removed in (log.unlink, lambda: log.rename(log.with_suffix(".taken"))):
        removed()
        wait_for(log.exists, 5, "the log is there again")
        get(platform.door, "/after-it-was-gone")
        wait_for(lambda: "/after-it-was-gone" in platform.run("logs", "web", "--grep", "after-it-was-gone").out, 10, "the line")
    assert platform.pids()["web"] == pid


@pytest.fixture
def small_toy(tmp_path: Path) -> Iterator[Toys]:
    """Makes toys on a file system of 3 MiB. Only root can mount one; others get a like error from a limit, see below."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(disk)], check=True)
    try:
        with toys(disk) as made:
            yield made
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (65536, 4096, 1):
            while True:
                try:
                    if stream.write(b"x" * size) < size:
                        break
                except OSError:
                    break
    return filler


if os.geteuid() == 0:

    def test_a_full_disk_stops_nothing_that_runs(small_toy: Toys) -> None:
        """Rows 22 and 29. No byte is left: the page serves, a killed part comes back, status answers, a change is refused with
        a cause and the state stays; with space again it all goes on."""
        platform = small_toy.up(ONE)
        filler = fill(small_toy.root)
        assert shutil.disk_usage(small_toy.root).free == 0
        assert get(platform.door)[0] == 200
        platform.kill(platform.pids()["web"])
        wait_for(platform.all_ready, 10, "healed on a full disk")
        assert get(platform.door)[0] == 200
        assert platform.status()["web"]["state"] == "ready"
        platform.edit("grace: 2s", "grace: 3s")
        refused = platform.run("up", code=4)
        assert "No space left on device" in refused.err and "room" in refused.err, refused.err
        assert get(platform.door)[0] == 200
        filler.unlink()
        platform.edit("grace: 3s", "grace: 2s\n    env: {NEW: value}")
        platform.run("up")
        assert b'"NEW": "value"' in get(platform.door, "/env")[1]


def test_a_write_that_fails_leaves_the_state_readable(toy: Toys) -> None:
    """Row 22. Every write beyond one block fails (RLIMIT_FSIZE): a change ends with its cause, and the next one succeeds."""
    platform = toy.up(ONE)
    before = platform.pids()
    platform.edit("grace: 2s", "grace: 2s\n    env: {NEW: value}")
    result = platform.run("up", before=("sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$@"', "sh"), code=None)
    assert result.code in (0, 4), result.said
    platform.run("status")
    platform.run("up")
    assert platform.all_ready() and platform.pids()["edge"] == before["edge"]
    assert b'"NEW": "value"' in get(platform.door, "/env")[1]


def test_a_part_killed_with_the_machines_memory_says_so(toy: Toys) -> None:
    """Row 15, as far as it goes here: what the kernel's OOM killer sends is SIGKILL. It is back, status names it."""
    platform: Platform = toy.up(ONE)
    platform.kill(platform.pids()["web"])
    wait_for(platform.all_ready)
    assert "SIGKILL" in platform.status()["web"]["reason"]
