"""The manifest, whatever is in the file, and the lock, however its holder ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lokifi.kit.errors import Refused
from lokifi.runtimes.local.programs.prefix import Package, Prefix

PACKAGE = Package("nginx", "1.22.1-9", "amd64", "0" * 64, 12)


def test_what_was_added_is_read_back_the_latest_first(tmp_path: Path) -> None:
    prefix = Prefix(tmp_path)
    for name in ("one", "two", "gone"):
        (tmp_path / "trees" / name).mkdir(parents=True)
        prefix.add_tree(name, [PACKAGE])
    prefix.add_tree("one", [PACKAGE])
    (tmp_path / "trees/gone").rmdir()
    (tmp_path / "wheels/w-1").mkdir(parents=True)
    prefix.add_wheel("w-1", "w", "1", "f" * 64)
    assert [tree.folder.name for tree in prefix.trees()] == ["one", "two"]
    assert prefix.trees()[0].packages == (PACKAGE,)
    assert [(wheel.project, wheel.sha256) for wheel in prefix.wheels()] == [("w", "f" * 64)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"format": 2, "trees": [], "wheels": []}',
        b'{"format": 1, "trees": [{"id": "../../etc", "packages": []}], "wheels": []}',
        b'{"format": 1, "trees": [{"id": "/etc", "packages": []}], "wheels": []}',
        b'{"format": 1, "trees": [{"id": 3, "packages": []}], "wheels": []}',
        b'{"format": 1, "trees": [{"id": "t", "packages": [{"rights": 1}]}], "wheels": []}',
        b'{"format": 1, "trees": 5, "wheels": []}',
        b'{"format": 1, "trees": []}',
    ],
)
def test_a_manifest_that_makes_no_sense_names_nothing_and_can_be_written_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    (tmp_path / "trees/t").mkdir(parents=True)
    prefix = Prefix(tmp_path)
    assert prefix.trees() == [] and prefix.wheels() == []
    prefix.add_tree("t", [PACKAGE])
    assert [tree.folder.name for tree in prefix.trees()] == ["t"]
    assert json.loads((tmp_path / "manifest.json").read_text())["format"] == 1


def test_the_owner_is_the_package_with_the_version(tmp_path: Path) -> None:
    (tmp_path / "trees/t").mkdir(parents=True)
    prefix = Prefix(tmp_path)
    prefix.add_tree("t", [Package("postgresql-client-15", "a", "x", "", 0), Package("postgresql-15", "b", "x", "", 0)])
    (tree,) = prefix.trees()
    assert tree.owner([("postgresql-{major}", "postgresql-client-{major}")]) == "postgresql-15 b"
    assert tree.owner([("nginx",)]) == ""


HOLDER = """
import sys
from pathlib import Path
from lokifi.runtimes.local.programs.prefix import Prefix
with Prefix(Path(sys.argv[1])).locked(lambda: print("waiting", flush=True)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_waits_and_gets_the_lock_when_the_first_is_killed(tmp_path: Path) -> None:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    first = start()
    second = None
    try:
        assert first.stdout and first.stdout.readline() == "held\n"
        second = start()
        assert second.stdout and second.stdout.readline() == "waiting\n"
        first.send_signal(signal.SIGKILL)
        assert second.stdout.readline() == "held\n"
        second.communicate(timeout=10)
        assert second.returncode == 0
    finally:
        for process in (first, second):
            if process is not None:
                process.kill()
                process.communicate()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused), Prefix(tmp_path / "file/prefix").locked(lambda: None):
        pass


def test_a_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    (tmp_path / "lock").symlink_to(target)
    with pytest.raises(Refused, match="cannot be locked"), Prefix(tmp_path).locked(lambda: None):
        pass
    assert not target.exists()
