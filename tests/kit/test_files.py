"""Files are whole or not there, and never readable for a moment by whom they are not meant for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lokifi.kit.errors import Refused
from lokifi.kit.files import ensure_dir, inside, write_atomic


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755], ids=oct)
def test_a_file_has_its_mode_whatever_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "file"
    write_atomic(path, "text", mode)
    write_atomic(path, b"again", mode)
    assert (path.stat().st_mode & 0o7777, path.read_bytes()) == (mode, b"again")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o700, 0o755], ids=oct)
def test_a_folder_has_its_mode_whatever_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "folder"
    assert ensure_dir(path, mode) == path
    assert path.stat().st_mode & 0o7777 == mode
    path.chmod(0o777)
    ensure_dir(path, mode)
    assert path.stat().st_mode & 0o7777 == mode


TRACED = """
import os, sys
from pathlib import Path
from lokifi.kit.files import write_atomic
os.umask(0)
write_atomic(Path(sys.argv[1]), "hush", 0o600)
"""


def test_the_kernel_never_sees_a_wider_mode(tmp_path: Path) -> None:
    trace, target = tmp_path / "trace", tmp_path / "secret"
    calls = "trace=open,openat,creat,chmod,fchmod,fchmodat,rename,renameat,renameat2"
    words = ["strace", "-f", "-e", calls, "-o", str(trace), sys.executable, "-c", TRACED, str(target)]
    subprocess.run(words, check=True, timeout=60)
    lines = [line for line in trace.read_text().splitlines() if ".secret." in line or "fchmod(" in line]
    opened = [line for line in lines if "O_CREAT" in line]
    assert len(opened) == 1 and "O_EXCL" in opened[0] and "O_NOFOLLOW" in opened[0]
    assert {int(found, 8) for line in lines for found in re.findall(r", (0[0-7]{3})\)", line)} == {0o600}
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.write_text("theirs")
    (tmp_path / "file").symlink_to(stranger)
    write_atomic(tmp_path / "file", "mine")
    assert not (tmp_path / "file").is_symlink()
    assert (stranger.read_text(), (tmp_path / "file").read_text()) == ("theirs", "mine")


@pytest.mark.parametrize("name", ["missing/file", "a-file/file", "n" * 255])
def test_what_cannot_be_written_is_one_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").write_text("")
    with pytest.raises(Refused) as caught:
        write_atomic(tmp_path / name, "text")
    assert caught.value.sentence.startswith("cannot write ")
    assert caught.value.hint == "nothing was changed; make room or give yourself the right to write there"
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


FULL = """
import resource, sys
from pathlib import Path
from lokifi.kit.errors import Refused
from lokifi.kit.files import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]), b"n" * 5000)
except Refused as error:
    print(error.sentence)
"""


def test_a_disk_that_fills_up_keeps_the_old_file(tmp_path: Path) -> None:
    """The kernel refuses to write on at 1000 bytes (setrlimit(2)), in the middle, as on a full disk."""
    path = tmp_path / "file"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("cannot write file: File too large\n", "")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    for name, sentence in (
        ("link", "is a symbolic link"),
        ("dangling", "cannot make the folder: File exists"),
        ("file", "cannot make the folder: File exists"),
        ("file/below", "cannot make the folder: Not a directory"),
    ):
        with pytest.raises(Refused) as caught:
            ensure_dir(tmp_path / name)
        assert (caught.value.sentence, caught.value.place) == (sentence, str(tmp_path / name))


@pytest.mark.parametrize(
    ("relative", "allowed"),
    [
        ("a", True),
        ("a/b", True),
        ("not/there", True),
        ("a/../a", True),
        ("link-in/b", True),
        (".", True),
        ("..", False),
        ("../root/a", True),
        ("a/../../x", False),
        ("/etc/shadow", False),
        ("link-out", False),
        ("link-out/passwd", False),
        ("ring", False),
        ("a\0b", False),
    ],
)
def test_what_leaves_the_root_is_seen(tmp_path: Path, relative: str, allowed: bool) -> None:
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "link-in").symlink_to("a")
    (root / "link-out").symlink_to("/etc")
    (root / "ring").symlink_to("ring")
    assert inside(root, relative) == (root / relative if allowed else None)
